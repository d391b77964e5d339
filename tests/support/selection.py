"""What `make test` plays of a long list of cases; `make test-full` plays all of them."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def quickly(chosen: Collection[str], cases: Iterable[str]) -> list[Any]:
    """Returns all the cases as parameters; those that weren't chosen are marked `full`."""
    every = list(cases)
    unknown = set(chosen) - set(every)
    assert not unknown, f"there is no case {unknown}"
    return [pytest.param(case, marks=() if case in chosen else pytest.mark.full) for case in every]
