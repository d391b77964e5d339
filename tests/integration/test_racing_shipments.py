"""A parcel is booked and called off by several workers at once: it is never left on its way."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sagashop_ops.audit import Books
from sagashop_ops.client import ADDRESS, Line, StoreClient
from support.saga import Saga, TaskFailed

ORDERS = 12
# What the state machine does too, where its `Retry` names the error.
RETRIED = {"StorageContention", "CarrierUnavailable"}


def run_until_answered(saga: Saga, task: str, order_id: str, sku: str) -> str:
    """Runs a task until its answer stands; returns the shipment's status, or the error's name."""
    parcel = {"shipping_address": ADDRESS, "items": [{"sku": sku, "quantity": 1}]}
    payload = parcel if task == "CreateShipment" else {}
    for _ in range(10):
        try:
            status: str = saga.run_task(task, order_id, **payload)["status"]
        except TaskFailed as failure:
            if failure.error_type not in RETRIED:
                return failure.error_type
        else:
            return status
    raise AssertionError(f"{task} of {order_id} was never answered")


@pytest.mark.full
def test_bookings_and_cancellations_side_by_side_leave_no_parcel_on_its_way(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    books: Callable[[], Books],
    stack: dict[str, Any],
    aws: Callable[[str], Any],
) -> None:
    # Given cancelled orders that were never shipped
    sku = new_product()
    orders = [store.place_order([Line(sku, 1)], "tok_declined") for _ in range(ORDERS)]
    saga.wait_until_all_ended(*orders)
    # and steps of theirs that are still on their way, each twice, in any order
    steps = ["CreateShipment", "CancelShipment"] * 2
    jobs = [(task, order) for order in orders for task in random.sample(steps, len(steps))]

    # When an order's four arrive at once
    with ThreadPoolExecutor(8) as workers:
        answers = Counter(
            zip(
                (task for task, _ in jobs),
                workers.map(lambda job: run_until_answered(saga, *job, sku), jobs),
                strict=True,
            )
        )

    # Then every cancellation succeeds, and a booking does only before it
    assert answers["CancelShipment", "CANCELLED"] == 2 * ORDERS
    assert answers.keys() <= {
        ("CancelShipment", "CANCELLED"),
        ("CreateShipment", "CREATED"),
        ("CreateShipment", "StepAlreadyUndone"),
    }
    # and what the carrier once booked was told, and called off, once.
    known = books()
    for order_id in orders:
        booking = known.bookings.get(order_id, {})
        assert known.shipments[order_id]["status"] == "CANCELLED"
        assert booking.get("status") != "BOOKED"
        events = aws("dynamodb").query(
            TableName=stack["tables"]["shipping"],
            KeyConditionExpression="pk = :shipment AND begins_with(sk, :event)",
            ExpressionAttributeValues={
                ":shipment": {"S": f"SHIPMENT#{order_id}"},
                ":event": {"S": "EVENT#"},
            },
        )["Items"]
        told = sorted(event["detail_type"]["S"] for event in events)
        assert told == (
            ["ShipmentCancelled", "ShipmentCreated"] if booking.get("booked_at") else []
        )
