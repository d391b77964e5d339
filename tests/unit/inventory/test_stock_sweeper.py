"""Reservations that outlived their orders, found and given back."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT
from inventory import service, sweeper
from inventory.domain import OrderLine
from shared import queries
from shared.errors import StorageContention
from shared.tasks import Task
from unit.inventory.fakes import FakeStock

TASK = Task(ORDER_ID, ORDER_ID, ORIGIN)
LATER = PLACED_AT + timedelta(minutes=10)

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]


@pytest.fixture
def sweep_after(
    monkeypatch: pytest.MonkeyPatch, frozen_clock: Any, lambda_context: Any
) -> Callable[[str], dict[str, Any]]:
    """Sweeps ten minutes later, when the order has the given status."""
    frozen_clock.at = LATER

    def sweep(status: str, grace_seconds: float = 300) -> dict[str, Any]:
        def ask(_: str, question: Mapping[str, Any]) -> dict[str, Any]:
            return {"statuses": dict.fromkeys(question["order_ids"], status)}

        monkeypatch.setattr(queries, "ask", ask)
        return sweeper.sweep({"grace_seconds": grace_seconds}, lambda_context)

    return sweep


def test_units_of_a_cancelled_order_go_back_on_the_shelf(
    shelf: Any, repository: FakeStock, sweep_after: Any, outbox_events: Events
) -> None:
    # Given
    shelf.stock("mouse", 10)
    service.reserve(repository, TASK, [OrderLine("mouse", 3)], PLACED_AT)

    # When
    report = sweep_after("CANCELLED")

    # Then
    assert shelf.units("mouse") == (10, 0, 0)
    assert report["repaired"] == [
        {"order_id": ORDER_ID, "what": "RESERVED of an order that is CANCELLED"}
    ]
    event_type, event = outbox_events()[-1]
    assert event_type == "StockReleased"
    assert event["metadata"]["correlation_id"].startswith("swp_")


def test_what_was_given_back_is_signed_off_by_the_next_sweep(
    shelf: Any, repository: FakeStock, sweep_after: Any
) -> None:
    # Given
    shelf.stock("mouse", 10)
    service.reserve(repository, TASK, [OrderLine("mouse", 3)], PLACED_AT)
    sweep_after("CANCELLED")
    assert repository.is_marked(ORDER_ID)

    # When
    report = sweep_after("CANCELLED", grace_seconds=-1)

    # Then
    assert (report["settled"], report["repaired"]) == (1, [])
    assert not repository.is_marked(ORDER_ID)
    assert shelf.units("mouse") == (10, 0, 0)


def test_units_that_were_bought_stay_bought(
    shelf: Any, repository: FakeStock, sweep_after: Any
) -> None:
    # Given
    shelf.stock("mouse", 10)
    service.reserve(repository, TASK, [OrderLine("mouse", 3)], PLACED_AT)
    service.commit(repository, TASK, PLACED_AT)

    # When
    report = sweep_after("COMPLETED")

    # Then
    assert report["settled"] == 1
    assert not repository.is_marked(ORDER_ID)
    assert shelf.units("mouse") == (7, 0, 3)


def test_a_step_that_comes_after_the_sign_off_is_checked_again(
    shelf: Any, repository: FakeStock, sweep_after: Any
) -> None:
    # Given
    shelf.stock("mouse", 10)
    service.reserve(repository, TASK, [OrderLine("mouse", 3)], PLACED_AT)
    service.commit(repository, TASK, PLACED_AT)
    sweep_after("COMPLETED")

    # When the saga undoes an order whose completion it took for a failure
    service.release(repository, TASK, LATER)

    # Then
    assert repository.is_marked(ORDER_ID)


def test_a_reservation_that_changed_is_not_signed_off(shelf: Any, repository: FakeStock) -> None:
    # Given
    shelf.stock("mouse", 10)
    seen = service.reserve(repository, TASK, [OrderLine("mouse", 3)], PLACED_AT)
    service.release(repository, TASK, LATER)

    # When, Then
    with pytest.raises(StorageContention):
        repository.settle(seen)
    assert repository.is_marked(ORDER_ID)
