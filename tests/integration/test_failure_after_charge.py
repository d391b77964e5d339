"""A step fails for good after the customer has paid: the saga gives everything back."""

from collections.abc import Callable

import pytest

from sagashop_ops.audit import Books
from sagashop_ops.client import Json, StoreClient
from support.outage import PaidInVain
from support.saga import Saga
from support.waiting import eventually


@pytest.fixture(scope="module")
def order(paid_in_vain: PaidInVain, saga: Saga) -> Json:
    """The order, undone."""
    return saga.wait_until_ended(paid_in_vain.refundable)


def test_the_order_is_cancelled_for_a_reason_of_ours(order: Json) -> None:
    assert (order["status"], order["reason"]["code"]) == ("CANCELLED", "INTERNAL_ERROR")


def test_the_payment_is_refunded_in_full(
    order: Json, store: StoreClient, books: Callable[[], Books], paid_in_vain: PaidInVain
) -> None:
    charge = books().charges[order["order_id"]]

    assert charge["captured_cents"] == charge["refunded_cents"] == paid_in_vain.owed_cents
    assert store.get(f"/orders/{order['order_id']}/payment")["status"] == "REFUNDED"


def test_the_stock_is_released(order: Json, books: Callable[[], Books]) -> None:
    assert books().reservations[order["order_id"]]["status"] == "RELEASED"


def test_the_parcel_is_called_off(
    order: Json, store: StoreClient, books: Callable[[], Books]
) -> None:
    assert store.get(f"/orders/{order['order_id']}/shipment")["status"] == "CANCELLED"
    assert books().shipments[order["order_id"]]["status"] == "CANCELLED"


def test_the_timeline_tells_the_way_there_and_the_way_back(order: Json, store: StoreClient) -> None:
    story = [
        "OrderPlaced",
        "StockReserved",
        "PaymentCaptured",
        "ShipmentCreated",
        "OrderCancellationStarted",
        "ShipmentCancelled",
        "PaymentRefunded",
        "StockReleased",
        "OrderCancelled",
    ]

    eventually(
        lambda: [event["type"] for event in store.timeline(order["order_id"])],
        until=lambda types: types == story,
    )


def test_the_execution_succeeds_because_the_saga_did_its_job(order: Json, saga: Saga) -> None:
    assert saga.execution(order["order_id"])["status"] == "SUCCEEDED"
    assert saga.states(order["order_id"])[-8:] == [
        "CommitStock",
        "BeginCancellation",
        "ChooseFirstCompensation",
        "CancelShipment",
        "RefundPayment",
        "ReleaseStock",
        "CancelOrder",
        "OrderCancelled",
    ]
