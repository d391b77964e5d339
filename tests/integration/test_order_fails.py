"""Orders that the saga cannot complete, or only just; all of them under way at the same time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
import requests

from sagashop_ops.audit import Books
from sagashop_ops.client import Json, Line, StoreClient
from support.saga import Saga
from support.waiting import eventually

UNITS = 10
WANTED = 2


@dataclass(frozen=True)
class Case:
    """An order for `quantity` units of a product with 10, and what should come of it."""

    token: str
    status: str
    reason: str | None
    timeline: tuple[str, ...]
    payment: str | None
    quantity: int = WANTED
    is_product_known: bool = True
    country: str = "GB"


TURNED_BACK = "OrderCancellationStarted"
TAKEN_BACK = ("StockReleased", "OrderCancelled")

CASES = {
    "out of stock": Case(
        "tok_visa",
        "CANCELLED",
        "OUT_OF_STOCK",
        ("OrderPlaced", "StockReservationFailed", TURNED_BACK, "OrderCancelled"),
        payment=None,
        quantity=UNITS + 1,
    ),
    "unknown product": Case(
        "tok_visa",
        "CANCELLED",
        "UNKNOWN_PRODUCT",
        ("OrderPlaced", "StockReservationFailed", TURNED_BACK, "OrderCancelled"),
        payment=None,
        is_product_known=False,
    ),
    "card declined": Case(
        "tok_declined",
        "CANCELLED",
        "PAYMENT_DECLINED",
        ("OrderPlaced", "StockReserved", "PaymentDeclined", TURNED_BACK, *TAKEN_BACK),
        payment="DECLINED",
    ),
    "insufficient funds": Case(
        "tok_insufficient_funds",
        "CANCELLED",
        "PAYMENT_DECLINED",
        ("OrderPlaced", "StockReserved", "PaymentDeclined", TURNED_BACK, *TAKEN_BACK),
        payment="DECLINED",
    ),
    "token nobody knows": Case(
        "tok_nobody_knows",
        "CANCELLED",
        "PAYMENT_DECLINED",
        ("OrderPlaced", "StockReserved", "PaymentDeclined", TURNED_BACK, *TAKEN_BACK),
        payment="DECLINED",
    ),
    "provider's reply lost": Case(
        "tok_lost_reply",
        "CANCELLED",
        "INTERNAL_ERROR",
        (
            "OrderPlaced",
            "StockReserved",
            TURNED_BACK,
            # It is the undo that learns of the charge, from the provider.
            "PaymentCaptured",
            "PaymentRefunded",
            *TAKEN_BACK,
        ),
        payment="REFUNDED",
    ),
    "provider fails twice": Case(
        "tok_flaky",
        "COMPLETED",
        None,
        (
            "OrderPlaced",
            "StockReserved",
            "PaymentCaptured",
            "ShipmentCreated",
            "StockCommitted",
            "OrderCompleted",
        ),
        payment="CAPTURED",
    ),
    "nobody delivers there": Case(
        "tok_visa",
        "CANCELLED",
        "SHIPMENT_REJECTED",
        (
            "OrderPlaced",
            "StockReserved",
            "PaymentCaptured",
            "ShipmentRejected",
            TURNED_BACK,
            "PaymentRefunded",
            *TAKEN_BACK,
        ),
        payment="REFUNDED",
        country="XX",
    ),
}


@dataclass(frozen=True)
class Ended:
    """An order after its end, and the product that it was for."""

    order: Json
    sku: str


@pytest.fixture(scope="module")
def ended(store: StoreClient, saga: Saga, new_product: Callable[..., str]) -> Mapping[str, Ended]:
    """Every case's order, after its end."""
    skus = {
        name: new_product(UNITS) if case.is_product_known else "no-such-product"
        for name, case in CASES.items()
    }
    placed = {
        name: store.place_order([Line(skus[name], case.quantity)], case.token, country=case.country)
        for name, case in CASES.items()
    }
    return {
        name: Ended(saga.wait_until_ended(order_id), skus[name])
        for name, order_id in placed.items()
    }


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    """Each case in turn."""
    name: str = request.param
    return name


def test_the_order_ends_with_the_reason_that_its_customer_reads(
    name: str, ended: Mapping[str, Ended]
) -> None:
    # Given an order that meets trouble
    case = CASES[name]

    # When it has ended
    order = ended[name].order

    # Then it says how, and why
    assert order["status"] == case.status
    if case.reason is None:
        assert order["reason"] is None
    else:
        assert order["reason"]["code"] == case.reason
        assert order["reason"]["message"]


def test_its_timeline_names_every_step_and_every_undo_in_order(
    name: str, ended: Mapping[str, Ended], store: StoreClient
) -> None:
    order_id = ended[name].order["order_id"]

    # The other services' events reach the order's log through the bus, in their own time.
    eventually(
        lambda: [event["type"] for event in store.timeline(order_id)],
        until=lambda types: types == list(CASES[name].timeline),
    )


def test_its_units_are_sold_or_back_on_the_shelf(
    name: str, ended: Mapping[str, Ended], stock_of: Callable[[str], dict[str, int]]
) -> None:
    if not CASES[name].is_product_known:
        return  # there is no shelf

    sold = WANTED if CASES[name].status == "COMPLETED" else 0

    assert stock_of(ended[name].sku) == {"available": UNITS - sold, "reserved": 0, "sold": sold}


def test_its_money_is_kept_only_where_it_completed(
    name: str, ended: Mapping[str, Ended], books: Callable[[], Books]
) -> None:
    order = ended[name].order

    charge = books().charges.get(order["order_id"])

    kept = charge["captured_cents"] - charge["refunded_cents"] if charge else 0
    assert kept == (order["total_cents"] if order["status"] == "COMPLETED" else 0)


def test_its_payment_can_be_looked_up(
    name: str, ended: Mapping[str, Ended], store: StoreClient
) -> None:
    path = f"/orders/{ended[name].order['order_id']}/payment"

    if CASES[name].payment is None:
        with pytest.raises(requests.HTTPError, match="404"):
            store.get(path)
    else:
        assert store.get(path)["status"] == CASES[name].payment


def test_the_provider_is_asked_again_until_it_answers(
    ended: Mapping[str, Ended], saga: Saga, books: Callable[[], Books]
) -> None:
    # Given an order whose provider failed twice
    order_id = ended["provider fails twice"].order["order_id"]

    # Then one state asked three times, and the money was taken once
    assert saga.states(order_id).count("ChargePayment") == 1
    assert books().charges[order_id]["captured_cents"] == WANTED * 1250


def test_a_captured_payment_whose_reply_was_lost_is_given_back(
    ended: Mapping[str, Ended], books: Callable[[], Books]
) -> None:
    order_id = ended["provider's reply lost"].order["order_id"]

    charge = books().charges[order_id]

    assert charge["captured_cents"] == charge["refunded_cents"] == WANTED * 1250
