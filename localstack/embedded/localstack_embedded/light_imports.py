"""Imports a module without running the code of its package, or of another package.

LocalStack's Step Functions uses an enumeration of `moto.batch`, and Systems Manager a lookup in
`moto.ec2` for maintenance windows only. Both import all of moto's EC2, which takes over a second.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def hollow(package: str, **names: object) -> Iterator[None]:
    """Replaces `package` within a `with` block: its code does not run, and it has only `names`.

    The package's modules can be imported from it. After the block, the package is imported as
    usual; modules that were imported in the block keep what they got. Does nothing if the package
    is loaded already.
    """
    if package in sys.modules:
        yield
        return
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"no package {package}"
    stand_in = ModuleType(package)
    stand_in.__path__ = list(spec.submodule_search_locations or ())
    vars(stand_in).update(names)
    sys.modules[package] = stand_in
    try:
        yield
    finally:
        del sys.modules[package]


class Late:
    """A mapping in a module that is imported at the first lookup."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __getitem__(self, key: object) -> Any:
        return getattr(importlib.import_module(self._module), self._name)[key]
