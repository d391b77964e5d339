"""All patches of LocalStack: one module per service, or per library that several services use.

A patch names the function that it replaces, the source that it was written for, and the test that
fails without it; its docstring says what it changes and why. A test compares the sources, so that
an upgrade of LocalStack shows which patches to look at again.
"""

import sys
from collections.abc import Callable
from functools import reduce, wraps
from typing import Any, NamedTuple

type Function = Callable[..., Any]


class Patch(NamedTuple):
    """A function of LocalStack's and what replaces it.

    Attributes:
        source: the first 8 digits of the SHA-256 of the original function's source.
        test: the name of the test that fails without the patch.
    """

    original: Function
    replacement: Function
    source: str
    test: str


REGISTER: list[Patch] = []


def patch[F: Function](
    original: Function, *, source: str, test: str, importers: tuple[Any, ...] = ()
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
        REGISTER.append(Patch(original, replacement, source, test))
        return replacement

    return replace


def _owner(function: Function) -> Any:
    """Returns the class or module that a function was defined in."""
    *path, _ = function.__qualname__.split(".")
    return reduce(getattr, path, sys.modules[function.__module__])
