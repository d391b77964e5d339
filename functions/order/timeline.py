"""An order's timeline: its own events and the other services', in words for its customer."""

from collections.abc import Iterable
from typing import Any

from order import saga_input
from shared import wording
from shared.events import PublishedEvent


def timeline_view(order_id: str, events: Iterable[PublishedEvent]) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}/timeline`."""
    redrives = 0
    entries = []
    for event in events:
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
            "execution": saga_input.name_of(order_id, redrives),
        }
        entries.append(entry)
    return {"order_id": order_id, "events": entries}
