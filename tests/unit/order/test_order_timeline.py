"""The timeline's words."""

from typing import Any

import pytest

from order.timeline import LoggedEvent, summary, timeline_view
from support.event_schemas import event_types

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
    ("StockReleased", {"items": LINES}, "The items set aside went back on sale."),
    (
        "PaymentRequested",
        {**TOTAL, "due_at": "2026-03-01T09:45:00.125Z"},
        "We are waiting for your payment of 1299.05 USD, until 09:45:00 UTC.",
    ),
    ("OrderCancellationRequested", {}, "You asked us to cancel your order."),
    (
        "ShipmentCreated",
        SHIPMENT,
        "Swift Parcel takes your parcel. Its tracking number is SP123456789US.",
    ),
    (
        "ShipmentRejected",
        {"reason": "no_service"},
        "Our carrier does not deliver to your address.",
    ),
    ("ShipmentCancelled", SHIPMENT, "We called your parcel back."),
    ("OrderCancelled", REASON, "Your order was cancelled. We don't have enough."),
    (
        "OrderCancelled",
        {**REASON, "refund": None},
        "Your order was cancelled. We don't have enough.",
    ),
    (
        "OrderCancelled",
        {**REASON, "refund": MONEY},
        "Your order was cancelled. We don't have enough. 1299.05 USD went back to you.",
    ),
    ("OrderRedriven", {"operator": "ada", "reason": "mended"}, "We took up your order again."),
    ("OrderNeedsAttention", REASON, "We don't have enough."),
]


@pytest.mark.parametrize(("event_type", "data", "sentence"), SENTENCES)
def test_an_event_reads_as_a_sentence(event_type: str, data: dict[str, Any], sentence: str) -> None:
    assert summary(event_type, data) == sentence


def test_every_event_that_has_a_schema_has_a_sentence_here() -> None:
    assert {event_type for event_type, _, _ in SENTENCES} == set(event_types())


def test_an_event_of_a_service_yet_unknown_reads_as_its_name() -> None:
    assert summary("ShipmentHandedOver", {}) == "Shipment handed over."


def test_the_timeline_carries_what_an_operator_follows_a_story_by() -> None:
    # Given
    event = LoggedEvent(
        "sagashop.payment",
        "PaymentDeclined",
        {
            "metadata": {
                "event_id": "evt_1",
                "occurred_at": "2026-03-01T09:30:00.125Z",
                "correlation_id": "cor-1",
                "causation_id": "request-1",
                "trace_id": "1-67c2d3e4-0123456789abcdef01234567",
            },
            "data": {"order_id": "ord_1", "reason": "card_declined"},
        },
    )

    # When
    view = timeline_view("ord_1", [event])

    # Then
    assert view == {
        "order_id": "ord_1",
        "events": [
            {
                "type": "PaymentDeclined",
                "service": "payment",
                "occurred_at": "2026-03-01T09:30:00.125Z",
                "summary": "Your payment was declined.",
                "event_id": "evt_1",
                "correlation_id": "cor-1",
                "trace_id": "1-67c2d3e4-0123456789abcdef01234567",
                "execution": "ord_1",
            }
        ],
    }


def test_each_event_is_told_with_the_execution_that_it_belongs_to() -> None:
    # Given
    metadata = dict.fromkeys(["event_id", "occurred_at", "correlation_id", "trace_id"], "")
    types = ["OrderPlaced", "OrderRedriven", "StockReleased", "OrderRedriven", "OrderCancelled"]
    data = {"items": [], "reason": {"message": ""}}
    events = [
        LoggedEvent("sagashop.order", event_type, {"metadata": metadata, "data": data})
        for event_type in types
    ]

    # When
    view = timeline_view("ord_1", events)

    # Then
    executions = [event["execution"] for event in view["events"]]
    assert executions == ["ord_1", "ord_1-r1", "ord_1-r1", "ord_1-r2", "ord_1-r2"]
