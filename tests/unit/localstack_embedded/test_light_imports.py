"""Imports of a part that leave the whole out."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localstack_embedded.light_imports import Late, hollow


@pytest.fixture
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that says so when its code runs, with a module that is of use without it."""
    package = tmp_path / "heavy"
    package.mkdir()
    (package / "__init__.py").write_text("ran = True\nprices = {'tea': 3}\n")
    (package / "light.py").write_text("from heavy import prices\n\ndef price(): return prices\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "heavy"]:
        del sys.modules[name]


@pytest.mark.usefixtures("heavy")
def test_a_module_is_imported_without_its_package() -> None:
    with hollow("heavy", prices={}):
        light = importlib.import_module("heavy.light")
        assert not hasattr(sys.modules["heavy"], "ran")

    assert light.price() == {}


@pytest.mark.usefixtures("heavy")
def test_afterwards_the_package_is_what_it_always_was() -> None:
    with hollow("heavy", prices={}):
        pass

    assert importlib.import_module("heavy").ran


@pytest.mark.usefixtures("heavy")
def test_a_package_that_is_there_already_stays_as_it_is() -> None:
    whole = importlib.import_module("heavy")

    with hollow("heavy", prices={}):
        assert importlib.import_module("heavy") is whole

    assert sys.modules["heavy"] is whole


@pytest.mark.usefixtures("heavy")
def test_what_is_looked_up_late_is_imported_then() -> None:
    prices = Late("heavy", "prices")
    assert "heavy" not in sys.modules

    assert prices["tea"] == 3
