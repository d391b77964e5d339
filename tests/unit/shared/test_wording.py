"""What a customer reads about a status, a reason and an event."""

import re
from typing import Any

import pytest

from order.domain import ReasonCode, Status
from shared import wording
from support.event_schemas import order_event_types

LINES = [{"sku": "product-001", "quantity": 2}]
MONEY = {"amount_cents": 129_905, "currency": "USD"}
TOTAL = {"total_cents": 129_905, "currency": "USD"}
SHIPMENT = {"carrier": "Swift Parcel", "tracking_number": "SP123456789US"}
REASON = {"reason": {"code": "OUT_OF_STOCK", "message": "We don't have enough."}}
SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    ("OrderPlaced", {"items": LINES}, "We received your order of 2 items."),
    ("OrderPlaced", {"items": [{"quantity": 1}]}, "We received your order of 1 item."),
    (
        "StockReserved",
        {"lines": LINES, **TOTAL},
        "We set 2 items aside for you. The total is 1299.05 USD.",
    ),
    (
        "StockReservationFailed",
        {"reason": "OUT_OF_STOCK"},
        "We could not set the items aside: there is not enough in stock.",
    ),
    (
        "StockReservationFailed",
        {"reason": "UNKNOWN_PRODUCT"},
        "We could not set the items aside: we don't sell one of them.",
    ),
    ("PaymentCaptured", MONEY, "Your payment of 1299.05 USD went through."),
    ("PaymentDeclined", {"reason": "insufficient_funds"}, "Your payment was declined."),
    ("StockCommitted", {"items": LINES}, "The items set aside are now yours."),
    ("OrderCompleted", TOTAL, "Your order is complete. Thank you!"),
    ("PaymentRefunded", MONEY, "We refunded your payment of 1299.05 USD."),
    ("StockReleased", {"items": LINES}, "The items set aside are back on sale."),
    (
        "PaymentRequested",
        {**TOTAL, "due_at": "2026-03-01T09:45:00.125Z"},
        "We asked you to pay 1299.05 USD by 09:45:00 UTC.",
    ),
    ("OrderCancellationRequested", {}, "You asked us to cancel your order."),
    (
        "ShipmentCreated",
        SHIPMENT,
        "Swift Parcel is delivering your parcel. Its tracking number is SP123456789US.",
    ),
    (
        "ShipmentRejected",
        {"reason": "no_service"},
        "Our carrier does not deliver to your address.",
    ),
    ("ShipmentCancelled", SHIPMENT, "We cancelled your parcel."),
    (
        "OrderCancellationStarted",
        REASON,
        "We are cancelling your order. We don't have enough.",
    ),
    ("OrderCancelled", REASON, "Your order was cancelled. We don't have enough."),
    (
        "OrderCancelled",
        {**REASON, "refund": None},
        "Your order was cancelled. We don't have enough.",
    ),
    (
        "OrderCancelled",
        {**REASON, "refund": MONEY},
        "Your order was cancelled. We don't have enough. Your refund is 1299.05 USD.",
    ),
    (
        "OrderRedriven",
        {"operator": "ada", "reason": "fixed"},
        "We are working on your order again.",
    ),
    ("OrderNeedsAttention", REASON, "We don't have enough."),
    ("OrderAnonymized", {}, "We erased your personal data from this order."),
]


@pytest.mark.parametrize(("event_type", "data", "sentence"), SENTENCES)
def test_an_event_reads_as_a_sentence(event_type: str, data: dict[str, Any], sentence: str) -> None:
    assert wording.event_text(event_type, data) == sentence


def test_every_event_of_an_order_has_a_sentence_here() -> None:
    assert {event_type for event_type, _, _ in SENTENCES} == set(order_event_types())


def test_an_unknown_event_reads_as_its_name() -> None:
    assert wording.event_text("ShipmentHandedOver", {}) == "Shipment handed over."


def test_every_status_has_words() -> None:
    assert wording.STATUSES.keys() == set(Status)


def test_an_unknown_status_reads_as_its_name() -> None:
    assert wording.status_text("AWAITING_PICKUP").headline == "Awaiting pickup"


def test_an_order_waits_for_a_payment_only_while_one_can_be_given() -> None:
    assert (
        wording.status_text("AWAITING_PAYMENT", is_payable=True).headline
        == "Your order is waiting for your payment"
    )
    assert wording.status_text("AWAITING_PAYMENT").headline == "We're working on your order"


@pytest.mark.parametrize("status", ["PENDING", "AWAITING_PAYMENT", "PAID"])
def test_an_open_order_that_its_customer_cancelled_is_being_cancelled(status: str) -> None:
    text = wording.status_text(status, is_payable=True, is_being_cancelled=True)

    assert text.label == "Being cancelled"


def test_an_order_that_turned_back_reads_like_one_that_its_customer_cancelled() -> None:
    cancelling = wording.status_text("CANCELLING")

    assert cancelling == wording.status_text("PAID", is_being_cancelled=True)
    assert cancelling.headline == "We're cancelling your order"


@pytest.mark.parametrize("code", [*ReasonCode, "LOST_IN_TRANSIT"])
def test_a_cause_promises_nothing_about_money_that_is_still_being_undone(code: str) -> None:
    cause = wording.cause_text(code)

    assert not re.search("charged|refund", cause)
    assert wording.reason_text(code, was_charged=True).startswith(f"{cause} ")


@pytest.mark.parametrize("code", ReasonCode)
def test_a_reason_says_why_and_what_happened_to_the_money(code: str) -> None:
    why = wording.reason_text(code, was_charged=None)

    assert code.replace("_", " ").capitalize() not in why
    assert why.endswith(("You have not been charged.", "you have been refunded."))


@pytest.mark.parametrize(
    ("was_charged", "sentence"),
    [
        (True, "You cancelled this order. Your payment has been refunded."),
        (False, "You cancelled this order. You have not been charged."),
        (None, "You cancelled this order. If you were charged, you have been refunded."),
    ],
)
def test_a_reason_promises_a_refund_only_where_money_was_taken(
    was_charged: bool | None, sentence: str
) -> None:
    assert wording.reason_text("CANCELLED_BY_CUSTOMER", was_charged=was_charged) == sentence


def test_an_unknown_reason_reads_as_its_name() -> None:
    assert wording.reason_text("LOST_IN_TRANSIT", was_charged=True).startswith("Lost in transit. ")
