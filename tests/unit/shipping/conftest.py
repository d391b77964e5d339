"""The shipments and the carrier's book, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders import ORDER_ID
from shared import chaos
from shared.chaos import Chaos
from shipping import wiring
from shipping.domain import Shipment
from shipping.simulated_carrier import SimulatedCarrier
from unit.fakes import FakeLedger, FakeRepository, Interrupted

type Shipments = FakeRepository[Shipment]


class BookUnderTest(FakeLedger):
    """The carrier's book, with the order's row as an audit sees it."""

    def row(self) -> dict[str, Any]:
        """Returns the row; empty where there is none."""
        return self.rows.get(ORDER_ID, {})

    def status(self) -> str | None:
        """Returns what the carrier thinks of the order."""
        return self.row().get("status")

    def forget(self) -> None:
        """Loses the row."""
        del self.rows[ORDER_ID]


@dataclass
class Injected:
    """The failures injected into the carrier, to be changed while it runs.

    `naps` are the seconds that it was told to sleep; it never really does.
    """

    chaos: Chaos = field(default_factory=Chaos)
    naps: list[float] = field(default_factory=list)


@pytest.fixture
def book() -> BookUnderTest:
    """The carrier's book."""
    return BookUnderTest()


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Shipments:
    """The shipments, none at first."""
    shipments: Shipments = FakeRepository()
    monkeypatch.setattr(wiring, "repository", lambda: shipments)
    return shipments


@pytest.fixture
def injected() -> Injected:
    """The failures at the carrier: none, until a test adds some."""
    return Injected()


@pytest.fixture
def carrier(
    book: BookUnderTest, injected: Injected, monkeypatch: pytest.MonkeyPatch
) -> SimulatedCarrier:
    """The carrier."""
    simulated = SimulatedCarrier(book)
    monkeypatch.setattr(chaos, "read", lambda: injected.chaos)
    monkeypatch.setattr("time.sleep", injected.naps.append)
    monkeypatch.setattr(wiring, "carrier", lambda: simulated)
    return simulated


@pytest.fixture
def interrupted(repository: Shipments) -> Callable[[Callable[[], Any]], Interrupted]:
    """Makes a repository that is interrupted before it writes an outcome."""
    return lambda interruption: Interrupted(repository, interruption, "update")


@pytest.fixture
def outbox_events(repository: Shipments) -> Callable[[], list[tuple[str, dict[str, Any]]]]:
    """Returns a reader of the outbox: `[(type, detail)]`."""
    return repository.events
