"""An order's story: its events, its own and the other services', in words for its customer."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from order import saga_input
from shared import clock
from shared.money import Money


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
                "summary": summary(event.type, event.data),
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


def summary(event_type: str, data: Mapping[str, Any]) -> str:
    """Returns one sentence; a type that this service doesn't know reads as its own name."""
    write = _SENTENCES.get(event_type)
    if write is not None:
        return write(data)
    words = re.findall(r"[A-Z][a-z0-9]*", event_type) or [event_type]
    return " ".join(words).capitalize() + "."


def _count(items: Iterable[Mapping[str, Any]]) -> str:
    units = sum(item["quantity"] for item in items)
    return "1 item" if units == 1 else f"{units} items"


def _shortage(data: Mapping[str, Any]) -> str:
    if data["reason"] == "UNKNOWN_PRODUCT":
        return "We could not set the items aside: we don't sell one of them."
    return "We could not set the items aside: there is not enough in stock."


def _request(data: Mapping[str, Any]) -> str:
    due_at = clock.from_iso(data["due_at"])
    return (
        f"We are waiting for your payment of {Money(data['total_cents'], data['currency'])}, "
        f"until {due_at:%H:%M:%S} UTC."
    )


def _cancellation(data: Mapping[str, Any]) -> str:
    sentence = f"Your order was cancelled. {data['reason']['message']}"
    # Events from before there were shipments don't tell of the refund.
    refund = data.get("refund")
    if refund is None:
        return sentence
    return f"{sentence} {Money(refund['amount_cents'], refund['currency'])} went back to you."


_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "OrderPlaced": lambda data: f"We received your order of {_count(data['items'])}.",
    "StockReserved": lambda data: (
        f"We set {_count(data['lines'])} aside for you. "
        f"The total is {Money(data['total_cents'], data['currency'])}."
    ),
    "StockReservationFailed": _shortage,
    "PaymentCaptured": lambda data: (
        f"Your payment of {Money(data['amount_cents'], data['currency'])} went through."
    ),
    "PaymentDeclined": lambda data: "Your payment was declined.",
    "StockCommitted": lambda data: "The items set aside are now yours.",
    "OrderCompleted": lambda data: "Your order is complete. Thank you!",
    "PaymentRefunded": lambda data: (
        f"We refunded your payment of {Money(data['amount_cents'], data['currency'])}."
    ),
    "StockReleased": lambda data: "The items set aside went back on sale.",
    "PaymentRequested": _request,
    "OrderCancellationRequested": lambda data: "You asked us to cancel your order.",
    "ShipmentCreated": lambda data: (
        f"{data['carrier']} takes your parcel. Its tracking number is {data['tracking_number']}."
    ),
    "ShipmentRejected": lambda data: "Our carrier does not deliver to your address.",
    "ShipmentCancelled": lambda data: "We called your parcel back.",
    "OrderCancelled": _cancellation,
    "OrderNeedsAttention": lambda data: data["reason"]["message"],
    "OrderRedriven": lambda data: "We took up your order again.",
}
