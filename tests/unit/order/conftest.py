"""The order service in memory: its table, and Step Functions."""

from collections.abc import Callable
from typing import Any

import pytest

from builders import OWED
from order import execution, holdings, wiring
from order.domain import Owed
from support.stepfunctions import FakeStepFunctions
from unit.fakes import FakeLimiter
from unit.order.fakes import FakeOrders


@pytest.fixture(autouse=True)
def _nobody_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often somebody orders matters where a test says so."""
    monkeypatch.setattr(wiring, "limiter", FakeLimiter)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> FakeOrders:
    """The order table, empty."""
    fake = FakeOrders()
    monkeypatch.setattr(wiring, "orders", lambda: fake)
    return fake


@pytest.fixture
def outbox_events(orders: FakeOrders) -> Callable[[], list[tuple[str, dict[str, Any]]]]:
    """Returns a reader of the events in the table's outbox: `[(type, detail)]` in time's order."""
    return lambda: [(event.type, event.envelope()) for event in orders.outbox]


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> dict[str, Owed]:
    """What the other services answer that they hold, by order; OWED where a test says nothing."""
    held: dict[str, Owed] = {}
    monkeypatch.setattr(wiring, "services", lambda: None)
    monkeypatch.setattr(
        holdings,
        "owed_of",
        lambda orders, _: {each.order_id: held.get(each.order_id, OWED) for each in orders},
    )
    return held


@pytest.fixture
def stepfunctions(monkeypatch: pytest.MonkeyPatch) -> FakeStepFunctions:
    """Step Functions without an execution."""
    fake = FakeStepFunctions()
    monkeypatch.setattr(execution, "client", lambda: fake)
    return fake
