"""Imports of one module that leave out what its package, or another, would bring along.

LocalStack's Step Functions needs an enumeration from `moto.batch`, and Systems Manager a lookup in
`moto.ec2` that only maintenance windows make. Both import all of moto's EC2, over a second.
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
    """While it lasts, `package` is imported without running its code; it has `names` instead.

    The package's modules can be imported from it. Afterwards it is what it always was; modules that
    were imported meanwhile keep what they got. Does nothing where the package is loaded already.
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
    """A mapping in a module that is imported when somebody first looks something up in it."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __getitem__(self, key: object) -> Any:
        return getattr(importlib.import_module(self._module), self._name)[key]
