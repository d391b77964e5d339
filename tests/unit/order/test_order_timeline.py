"""An order's timeline."""

from order.timeline import timeline_view
from shared.events import PublishedEvent


def test_the_timeline_carries_what_an_operator_follows_a_story_by() -> None:
    # Given
    event = PublishedEvent(
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
        PublishedEvent("sagashop.order", event_type, {"metadata": metadata, "data": data})
        for event_type in types
    ]

    # When
    view = timeline_view("ord_1", events)

    # Then
    executions = [event["execution"] for event in view["events"]]
    assert executions == ["ord_1", "ord_1-r1", "ord_1-r1", "ord_1-r2", "ord_1-r2"]
