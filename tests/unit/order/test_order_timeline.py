"""An order's timeline."""

import itertools
import random
from datetime import timedelta

import pytest

from builders import PLACED_AT
from order.timeline import SAGAS_ORDER, by_cause, timeline_view
from shared.clock import to_iso
from shared.events import PublishedEvent
from support.event_schemas import order_event_types

# How far each service's clock is off, in minutes.
SKEW = {"order": 0, "inventory": -7, "payment": 11, "shipping": -3}
SERVICES = {"Stock": "inventory", "Payment": "payment", "Shipment": "shipping"}


def service_of(event_type: str) -> str:
    if event_type == "PaymentRequested":
        return "order"
    return next(
        (name for prefix, name in SERVICES.items() if event_type.startswith(prefix)), "order"
    )


def an_event(event_type: str, second: float, sequence: int | None = None) -> PublishedEvent:
    """An event that happened so many seconds after the order was placed."""
    service = service_of(event_type)
    at = PLACED_AT + timedelta(seconds=second, minutes=SKEW[service])
    metadata = {
        "event_id": f"evt_{event_type}_{second}",
        "occurred_at": to_iso(at),
        "correlation_id": "",
        "trace_id": "",
    }
    return PublishedEvent(
        f"sagashop.{service}",
        event_type,
        {
            "metadata": metadata if sequence is None else {**metadata, "sequence": sequence},
            "data": DATA,
        },
    )


# What the sentences of these events need.
DATA = {
    "items": [],
    "lines": [],
    "reason": {"code": "INTERNAL_ERROR", "message": "Something went wrong."},
    "total_cents": 100,
    "amount_cents": 100,
    "currency": "USD",
    "due_at": "2026-03-01T09:45:00.000Z",
    "carrier": "Pigeon Post",
    "tracking_number": "PP1",
}


def types(events: list[PublishedEvent]) -> list[str]:
    return [event.type for event in events]


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


STORIES = {
    "sold": [
        ("OrderPlaced", 1),
        ("StockReserved", 1),
        ("PaymentCaptured", 2),
        ("ShipmentCreated", 3),
        ("StockCommitted", 3),
        ("OrderCompleted", 4),
    ],
    "undone, parked and redriven": [
        ("OrderPlaced", 1),
        ("StockReserved", 1),
        ("PaymentRequested", 3),
        ("PaymentCaptured", 4),
        ("ShipmentRejected", 5),
        ("OrderCancellationStarted", 6),
        ("OrderNeedsAttention", 7),
        ("OrderRedriven", 8),
        ("PaymentRefunded", 8),
        ("StockReleased", 8),
        ("OrderCancelled", 9),
    ],
    "cancelled while it was charged, with replies that were lost": [
        ("OrderPlaced", 1),
        ("StockReserved", 1),
        ("OrderCancellationRequested", 3),
        ("OrderCancellationStarted", 4),
        ("PaymentCaptured", 4),
        ("ShipmentCreated", 4),
        ("ShipmentCancelled", 4),
        ("PaymentRefunded", 4),
        ("StockReleased", 4),
        ("OrderCancelled", 5),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_the_timeline_is_ordered_by_cause_and_not_by_four_clocks(
    story: list[tuple[str, int]],
) -> None:
    # Given events that are minutes apart on the services' clocks, and come in any order
    caused = [
        an_event(event_type, second, sequence)
        for second, (event_type, sequence) in enumerate(story)
    ]
    by_clock = sorted(caused, key=lambda event: event.metadata["occurred_at"])
    assert by_clock != caused
    shuffled = random.Random(1).sample(caused, k=len(caused))

    # Then
    assert types(by_cause(by_clock)) == types(by_cause(shuffled)) == types(caused)


def test_what_follows_a_redrive_belongs_to_its_execution_whatever_the_clocks_say() -> None:
    # Given
    story = STORIES["undone, parked and redriven"]
    events = [an_event(event_type, second, n) for second, (event_type, n) in enumerate(story)]
    by_clock = sorted(events, key=lambda event: event.metadata["occurred_at"])

    # When
    view = timeline_view("ord_1", by_clock)

    # Then
    second = [event["type"] for event in view["events"] if event["execution"] == "ord_1-r1"]
    assert second == ["OrderRedriven", "PaymentRefunded", "StockReleased", "OrderCancelled"]


def test_events_from_before_there_were_sequences_go_by_their_time() -> None:
    # Given
    kinds = ["OrderPlaced", "OrderRedriven", "OrderCancelled"]
    events = [an_event(event_type, second) for second, event_type in enumerate(kinds)]

    # Then
    for shuffled in itertools.permutations(events):
        assert types(by_cause(shuffled)) == kinds


def test_an_event_without_a_sequence_stands_after_what_had_happened_by_then() -> None:
    # Given an order that was placed before there were sequences, and a sweep that knows none
    events = [
        an_event("OrderPlaced", 0),
        an_event("OrderCancellationStarted", 1, sequence=4),
        an_event("OrderCancelled", 2, sequence=5),
        an_event("PaymentRefunded", 3),
    ]

    # Then
    for shuffled in itertools.permutations(events):
        assert by_cause(shuffled) == events


def test_a_type_of_tomorrow_stands_after_the_ones_of_today_on_which_it_may_build() -> None:
    events = [
        an_event("OrderPlaced", 2, sequence=1),
        an_event("StockReleased", 1, sequence=1),
        an_event("ShipmentHandedOver", 0, sequence=1),
    ]

    assert types(by_cause(reversed(events))) == types(events)


def test_every_event_of_another_service_has_its_place_in_the_sagas_order() -> None:
    others = {each for each in order_event_types() if service_of(each) != "order"}

    assert set(SAGAS_ORDER) == others
    assert len(SAGAS_ORDER) == len(others)


def test_an_event_of_an_execution_that_was_superseded_comes_after_what_it_builds_on() -> None:
    # Given a parcel that a redriven execution booked, on a later version of the order than the
    # one that the execution before it knew when it committed the stock
    events = [
        an_event("OrderPlaced", 0, sequence=1),
        an_event("OrderRedriven", 4, sequence=4),
        an_event("ShipmentCreated", 5, sequence=4),
        an_event("StockCommitted", 6, sequence=3),
    ]

    # Then the parcel comes first
    assert types(by_cause(events)) == [
        "OrderPlaced",
        "OrderRedriven",
        "ShipmentCreated",
        "StockCommitted",
    ]
