"""An order's timeline: its own events and the other services', in words for its customer."""

from collections.abc import Iterable, Iterator
from typing import Any

from order import saga_input
from shared import wording
from shared.events import PublishedEvent


def timeline_view(order_id: str, events: Iterable[PublishedEvent]) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}/timeline`."""
    return {
        "order_id": order_id,
        "events": [
            {
                "type": event.type,
                "service": event.source.removeprefix("sagashop."),
                "occurred_at": event.metadata["occurred_at"],
                "summary": wording.event_text(event.type, event.data),
                "event_id": event.metadata["event_id"],
                "correlation_id": event.metadata["correlation_id"],
                "trace_id": event.metadata["trace_id"],
                "execution": execution,
            }
            for event, execution in _with_executions(order_id, events)
        ],
    }


def _with_executions(
    order_id: str, events: Iterable[PublishedEvent]
) -> Iterator[tuple[PublishedEvent, str]]:
    """Yields each event with the execution that it belongs to: every redrive starts another one."""
    redrives = 0
    for event in events:
        redrives += event.type == "OrderRedriven"
        yield event, saga_input.name_of(order_id, redrives)
