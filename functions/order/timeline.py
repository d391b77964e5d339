"""An order's timeline: its own events and the other services', in words for its customer."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from order import saga_input
from shared import wording


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it went over the bus; `detail` is the envelope of shared.events."""

    source: str
    type: str
    detail: Mapping[str, Any]

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The envelope's metadata."""
        metadata: Mapping[str, Any] = self.detail["metadata"]
        return metadata

    @property
    def data(self) -> Mapping[str, Any]:
        """The envelope's data."""
        data: Mapping[str, Any] = self.detail["data"]
        return data

    @classmethod
    def from_eventbridge(cls, event: Mapping[str, Any]) -> Self:
        """Reads an event in EventBridge's own envelope; raises KeyError where it isn't one."""
        return cls(event["source"], event["detail-type"], event["detail"])


def timeline_view(order_id: str, events: Iterable[LoggedEvent]) -> dict[str, Any]:
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
    order_id: str, events: Iterable[LoggedEvent]
) -> Iterator[tuple[LoggedEvent, str]]:
    """Yields each event with the execution that it belongs to: every redrive starts another one."""
    redrives = 0
    for event in events:
        redrives += event.type == "OrderRedriven"
        yield event, saga_input.name_of(order_id, redrives)
