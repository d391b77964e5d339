"""All patches of LocalStack: one module for each thing that they change.

A patch names the function that it replaces, the source that it was written for, and the test that
fails without it; its docstring says what it changes and why. A test compares the sources, so that
an upgrade of LocalStack shows which patches to look at again.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce, wraps
from typing import Any

REGISTER: list["Patch"] = []


@dataclass(frozen=True)
class Patch:
    """A function that was replaced.

    Attributes:
        original: the function itself.
        source: the first 8 digits of the SHA-256 of its source that the patch was written for.
        test: the name of the test that fails without the patch.
        reason: why it is needed.
    """

    original: Callable[..., Any]
    source: str
    test: str
    reason: str

    @property
    def name(self) -> str:
        return f"{self.original.__module__}.{self.original.__qualname__}"

    @property
    def present_source(self) -> str:
        text = inspect.getsource(self.original)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


def patch[F: Callable[..., Any]](
    original: Callable[..., Any], *, source: str, test: str, importers: tuple[Any, ...] = ()
) -> Callable[[F], F]:
    """Replaces a function or method by the decorated one, which gets the original one first.

    `importers` are the modules that have imported a function by its name; it is replaced there.
    """

    def replace(replacement: F) -> F:
        @wraps(original)
        def patched(*arguments: Any, **named: Any) -> Any:
            return replacement(original, *arguments, **named)

        name = original.__name__
        for owner in importers or (_owner(original),):
            assert getattr(owner, name) is original, f"{name} is patched already"
            setattr(owner, name, patched)
        REGISTER.append(Patch(original, source, test, inspect.getdoc(replacement) or ""))
        return replacement

    return replace


def _owner(function: Callable[..., Any]) -> Any:
    """The class or module that a function was defined in."""
    *path, _ = function.__qualname__.split(".")
    return reduce(getattr, path, sys.modules[function.__module__])
