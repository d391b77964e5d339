"""Orders that are placed without a payment: paid in time, declined, never paid, paid too late."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pytest
import requests

from sagashop_ops.audit import Books
from sagashop_ops.client import Json, Line, StoreClient
from support.bus import BusListener
from support.saga import Saga
from support.stores import PAYMENT_WAIT_SECONDS
from support.waiting import eventually

UNITS, WANTED, PRICE_CENTS = 10, 2, 1250
TOTAL_CENTS = WANTED * PRICE_CENTS
# What the customers give, each for an order of his own; None never gives anything.
TOKENS = {
    "paid": "tok_visa",
    "declined": "tok_declined",
    "expired": None,
    "reply lost": "tok_lost_reply",
}
WAITED = ["OrderPlaced", "StockReserved", "PaymentRequested"]
EXPIRED = ["OrderCancellationStarted", "StockReleased", "OrderCancelled"]
STORIES = {
    "paid": ["PaymentCaptured", "ShipmentCreated", "StockCommitted", "OrderCompleted"],
    "declined": ["PaymentDeclined", *EXPIRED],
    "expired": EXPIRED,
    "reply lost": [
        "OrderCancellationStarted",
        # It is the undo that learns of the charge, from the provider.
        "PaymentCaptured",
        "PaymentRefunded",
        "StockReleased",
        "OrderCancelled",
    ],
}


@dataclass(frozen=True)
class Late:
    """An order that was paid later, or not: as it waited, as it ended, and what was answered."""

    sku: str
    waiting: Json
    held: Mapping[str, int]
    answer: requests.Response | None
    order: Json

    @property
    def order_id(self) -> str:
        order_id: str = self.order["order_id"]
        return order_id


@pytest.fixture(scope="module")
def orders(
    store: StoreClient,
    saga: Saga,
    bus: BusListener,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
) -> Mapping[str, Late]:
    """Every order after its end."""
    under_way = {}
    for name, token in TOKENS.items():
        sku = new_product(UNITS, PRICE_CENTS)
        order_id = store.place_order([Line(sku, WANTED)], None)
        waiting = store.wait_for(order_id, {"AWAITING_PAYMENT"})
        held = stock_of(sku)
        answer = store.pay(order_id, token) if token else None
        under_way[name] = (sku, waiting, held, answer)
    return {
        name: Late(*told, saga.wait_until_ended(told[1]["order_id"]))
        for name, told in under_way.items()
    }


@pytest.fixture(params=TOKENS)
def late(request: pytest.FixtureRequest, orders: Mapping[str, Late]) -> Late:
    """Each order in turn."""
    return orders[request.param]


def test_the_order_waits_with_its_stock_held_and_says_until_when(late: Late) -> None:
    assert late.waiting["status"] == "AWAITING_PAYMENT"
    assert late.waiting["total_cents"] == TOTAL_CENTS
    due_at, since = (
        datetime.fromisoformat(late.waiting[name]) for name in ("payment_due_at", "updated_at")
    )
    assert (due_at - since).total_seconds() == PAYMENT_WAIT_SECONDS
    assert late.held == {"available": UNITS - WANTED, "reserved": WANTED, "sold": 0}


def test_after_that_no_payment_is_asked_for(late: Late) -> None:
    assert late.order.get("payment_due_at") is None


@pytest.mark.parametrize("name", TOKENS)
def test_the_timeline_tells_of_the_wait_and_of_what_came_of_it(
    name: str, orders: Mapping[str, Late], store: StoreClient
) -> None:
    eventually(
        lambda: [event["type"] for event in store.timeline(orders[name].order_id)],
        until=lambda types: types == WAITED + STORIES[name],
    )


def test_an_order_that_is_paid_in_time_is_completed(
    orders: Mapping[str, Late],
    books: Callable[[], Books],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    paid = orders["paid"]

    assert paid.answer is not None
    assert paid.answer.status_code == 202
    assert paid.answer.json()["order_id"] == paid.order_id
    assert paid.order["status"] == "COMPLETED"
    charge = books().charges[paid.order_id]
    assert (charge["captured_cents"], charge["refunded_cents"]) == (TOTAL_CENTS, 0)
    assert stock_of(paid.sku) == {"available": UNITS - WANTED, "reserved": 0, "sold": WANTED}


def test_the_same_payment_again_is_answered_the_same_and_charges_nothing(
    orders: Mapping[str, Late], store: StoreClient, books: Callable[[], Books]
) -> None:
    paid = orders["paid"]

    again = store.pay(paid.order_id, "tok_visa")

    assert again.status_code == 202
    assert again.json()["status"] == "COMPLETED"
    assert books().charges[paid.order_id]["captured_cents"] == TOTAL_CENTS


def test_another_payment_is_refused(orders: Mapping[str, Late], store: StoreClient) -> None:
    assert_refused(store.pay(orders["paid"].order_id, "tok_another"), "paid")


def test_an_order_whose_payment_is_declined_is_cancelled(
    orders: Mapping[str, Late], books: Callable[[], Books]
) -> None:
    declined = orders["declined"]

    assert (declined.order["status"], declined.order["reason"]["code"]) == (
        "CANCELLED",
        "PAYMENT_DECLINED",
    )
    assert books().charges[declined.order_id]["captured_cents"] == 0


def test_an_order_that_nobody_pays_expires_and_its_stock_goes_back(
    orders: Mapping[str, Late],
    saga: Saga,
    books: Callable[[], Books],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    expired = orders["expired"]

    assert (expired.order["status"], expired.order["reason"]["code"]) == (
        "CANCELLED",
        "PAYMENT_EXPIRED",
    )
    assert expired.order["updated_at"] >= expired.waiting["payment_due_at"]
    assert saga.states(expired.order_id)[-7:] == [
        "AwaitPayment",
        "ClosePaymentWindow",
        "BeginCancellation",
        "ChooseFirstCompensation",
        "ReleaseStock",
        "CancelOrder",
        "OrderCancelled",
    ]
    assert expired.order_id not in books().charges
    assert stock_of(expired.sku) == {"available": UNITS, "reserved": 0, "sold": 0}


def test_a_payment_that_comes_too_late_is_refused_and_not_kept(
    orders: Mapping[str, Late], store: StoreClient, books: Callable[[], Books]
) -> None:
    expired = orders["expired"]

    answer = store.pay(expired.order_id, "tok_visa")

    assert_refused(answer, "time to pay is over")
    assert store.order(expired.order_id)["status"] == "CANCELLED"
    assert expired.order_id not in books().charges


def test_a_payment_whose_reply_is_lost_is_given_back(
    orders: Mapping[str, Late], books: Callable[[], Books]
) -> None:
    lost = orders["reply lost"]

    assert lost.order["status"] == "CANCELLED"
    charge = books().charges[lost.order_id]
    assert charge["captured_cents"] == charge["refunded_cents"] == TOTAL_CENTS


def test_the_world_hears_what_is_to_be_paid_until_when_and_never_a_token(
    orders: Mapping[str, Late], bus: BusListener
) -> None:
    paid = orders["paid"]

    events = bus.wait_for(paid.order_id, ["PaymentRequested", "OrderCompleted"])

    (asked,) = (event for event in events if event["detail-type"] == "PaymentRequested")
    assert asked["detail"]["data"] == {
        "order_id": paid.order_id,
        "total_cents": TOTAL_CENTS,
        "currency": "USD",
        "due_at": paid.waiting["payment_due_at"],
    }
    assert "tok_" not in str(events)


def test_an_order_that_was_paid_when_it_was_placed_takes_no_other_payment(
    store: StoreClient, saga: Saga, new_product: Callable[..., str]
) -> None:
    order_id = store.place_order([Line(new_product(), 1)], "tok_visa")
    assert_refused(store.pay(order_id, "tok_visa"), "")

    assert saga.wait_until_ended(order_id)["status"] == "COMPLETED"

    assert_refused(store.pay(order_id, "tok_visa"), "paid")


def assert_refused(answer: requests.Response, why: str) -> None:
    """Checks that a payment was not taken, and that the customer is told why."""
    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "ORDER_NOT_AWAITING_PAYMENT"
    assert why in answer.json()["detail"]
