"""A shop's shelf, to stock, to look at, and to change behind a step's back."""

from collections.abc import Callable
from typing import Any

import pytest

from inventory import wiring
from unit.fakes import Interrupted
from unit.inventory.fakes import FakeShelf, FakeStock


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> FakeStock:
    """The catalogue and the reservations, empty and in memory."""
    stock = FakeStock()
    monkeypatch.setattr(wiring, "repository", lambda: stock)
    return stock


@pytest.fixture
def shelf(repository: FakeStock) -> FakeShelf:
    """The catalogue's shelf, empty."""
    return FakeShelf(repository)


@pytest.fixture
def interrupted(repository: FakeStock) -> Callable[[Callable[[], Any]], Interrupted]:
    """Makes a repository that is interrupted before each write."""
    return lambda interruption: Interrupted(repository, interruption, "create", "update")


@pytest.fixture
def outbox_events(repository: FakeStock) -> Callable[[], list[tuple[str, dict[str, Any]]]]:
    """Returns a reader of the outbox: `[(type, detail)]`."""
    return repository.events
