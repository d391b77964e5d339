"""The payments and the provider's ledger, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders import ORDER_ID
from payment import wiring
from payment.domain import Payment
from payment.simulated_provider import SimulatedProvider
from shared import chaos
from shared.chaos import Chaos
from unit.fakes import FakeLedger, FakeRepository, Interrupted

type Payments = FakeRepository[Payment]


class LedgerUnderTest(FakeLedger):
    """The provider's ledger, with the order's row as an operator or an audit sees it."""

    def row(self) -> dict[str, Any]:
        """Returns the row; empty where there is none."""
        return self.rows.get(ORDER_ID, {})

    def change(self, **attributes: Any) -> None:
        """Changes the row, as an operator might."""
        self.row().update(attributes)

    def forget(self) -> None:
        """Loses the row."""
        del self.rows[ORDER_ID]

    def money(self) -> tuple[int, int]:
        """Returns the cents captured and refunded."""
        return self.row().get("captured_cents", 0), self.row().get("refunded_cents", 0)


@dataclass
class Injected:
    """The failures injected into the provider, to be changed while it runs."""

    chaos: Chaos = field(default_factory=Chaos)


@pytest.fixture
def naps() -> list[float]:
    """The seconds that the provider was told to sleep; it never really does."""
    return []


@pytest.fixture
def ledger() -> LedgerUnderTest:
    """The provider's ledger."""
    return LedgerUnderTest()


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Payments:
    """The payments, none at first."""
    payments: Payments = FakeRepository()
    monkeypatch.setattr(wiring, "repository", lambda: payments)
    return payments


@pytest.fixture
def injected() -> Injected:
    """The failures at the provider: none but those that tokens ask for, until a test adds some."""
    return Injected()


@pytest.fixture
def provider(
    ledger: LedgerUnderTest, naps: list[float], injected: Injected, monkeypatch: pytest.MonkeyPatch
) -> SimulatedProvider:
    """The provider; it waits 3 seconds for a lost reply."""
    simulated = SimulatedProvider(ledger, reply_timeout_seconds=3.0)
    monkeypatch.setattr(chaos, "read", lambda: injected.chaos)
    monkeypatch.setattr("time.sleep", naps.append)
    monkeypatch.setattr(wiring, "provider", lambda: simulated)
    return simulated


@pytest.fixture
def interrupted(repository: Payments) -> Callable[[Callable[[], Any]], Interrupted]:
    """Makes a repository that is interrupted before it writes an outcome."""
    return lambda interruption: Interrupted(repository, interruption, "update")


@pytest.fixture
def outbox_events(repository: Payments) -> Callable[[], list[tuple[str, dict[str, Any]]]]:
    """Returns a reader of the outbox: `[(type, detail)]`."""
    return repository.events
