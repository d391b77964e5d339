"""An order's timeline: its own events and the other services', in words for its customer."""

from collections.abc import Iterable
from typing import Any

from order import domain
from shared import wording
from shared.events import PublishedEvent

_ORDER = "sagashop.order"
SAGAS_ORDER = (
    "StockReserved",
    "StockReservationFailed",
    "PaymentCaptured",
    "PaymentDeclined",
    "ShipmentCreated",
    "ShipmentRejected",
    "StockCommitted",
    "ShipmentCancelled",
    "PaymentRefunded",
    "StockReleased",
)
"""The other services' events, in the order in which the saga causes them."""


def timeline_view(order_id: str, events: Iterable[PublishedEvent]) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}/timeline`; the events are in the order of `by_cause`."""
    redrives = 0
    entries = []
    for event in by_cause(events):
        # Every redrive starts another execution, to which the later events belong.
        redrives += event.type == "OrderRedriven"
        entry = {
            "type": event.type,
            "service": event.source.removeprefix("sagashop."),
            "occurred_at": event.metadata["occurred_at"],
            "summary": wording.event_text(event.type, event.data),
            "event_id": event.metadata["event_id"],
            "correlation_id": event.metadata["correlation_id"],
            "trace_id": event.metadata["trace_id"],
            "execution": domain.execution_name(order_id, redrives),
        }
        entries.append(entry)
    return {"order_id": order_id, "events": entries}


def by_cause(events: Iterable[PublishedEvent]) -> list[PublishedEvent]:
    """Returns an order's events with each after what caused it, whatever the services' clocks say.

    First comes the change of the order that made version n, then what other services did on
    version n, in the saga's order. Where two executions overlap, the one that acts last may know an
    older version: its event still comes after those that the saga's order has before it. An event
    without a sequence, from before there was one, goes by its time: after the highest sequence that
    had occurred by then.
    """
    known = list(events)
    numbered = [
        (event.metadata["occurred_at"], event.sequence)
        for event in known
        if event.sequence is not None
    ]

    def caused_at(event: PublishedEvent) -> int:
        if event.type not in SAGAS_ORDER:
            return 0
        earlier = SAGAS_ORDER[: SAGAS_ORDER.index(event.type)]
        return max((cause.sequence or 0 for cause in known if cause.type in earlier), default=0)

    def place(event: PublishedEvent) -> tuple[int, int, str, str]:
        at, event_id = event.metadata["occurred_at"], event.metadata["event_id"]
        if event.sequence is not None:
            return max(event.sequence, caused_at(event)), _rank(event), at, event_id
        reached = max((sequence for time, sequence in numbered if time <= at), default=0)
        return reached, len(SAGAS_ORDER) + 2, at, event_id

    return sorted(known, key=place)


def _rank(event: PublishedEvent) -> int:
    """Returns an event's place among those with its sequence; a type of tomorrow is the last."""
    if event.source == _ORDER:
        return 0
    if event.type in SAGAS_ORDER:
        return 1 + SAGAS_ORDER.index(event.type)
    return 1 + len(SAGAS_ORDER)
