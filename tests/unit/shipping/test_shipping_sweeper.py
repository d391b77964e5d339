"""Shipments that outlived their orders, found and called off."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT
from shared import queries
from shared.tasks import Task
from shipping import service, sweeper
from shipping.domain import Address, Item, ShipmentStatus

TASK = Task(ORDER_ID, ORDER_ID, ORIGIN)


@pytest.fixture(autouse=True)
def _cancelled(monkeypatch: pytest.MonkeyPatch, frozen_clock: Any) -> None:
    """Ten minutes later the order is cancelled."""
    frozen_clock.at = PLACED_AT + timedelta(minutes=10)

    def ask(_: str, question: Mapping[str, Any]) -> dict[str, Any]:
        return {"statuses": dict.fromkeys(question["order_ids"], "CANCELLED")}

    monkeypatch.setattr(queries, "ask", ask)


def test_what_was_booked_for_a_cancelled_order_is_called_off_and_then_signed_off(
    repository: Any, carrier: Any, lambda_context: Any
) -> None:
    # Given
    address = Address("1 Main St", "Springfield", "IL", "62701", "US")
    service.create(repository, carrier, TASK, address, [Item("mouse", 1)], PLACED_AT)

    # When
    first = sweeper.sweep({}, lambda_context)
    second = sweeper.sweep({"grace_seconds": -1}, lambda_context)

    # Then
    assert first["repaired"] == [
        {"order_id": ORDER_ID, "what": "CREATED of an order that is CANCELLED"}
    ]
    assert (second["settled"], second["repaired"]) == (1, [])
    shipment = repository.find(ORDER_ID)
    assert shipment is not None
    assert shipment.status is ShipmentStatus.CANCELLED
