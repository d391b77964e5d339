"""The customer's words for an order's status, a reason and an event: defined here and nowhere else.

Order page, timeline and mail all take them from here. Pure: no I/O, no rules. A status, code or
type without words of its own reads as its name.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from shared import clock
from shared.money import Money

type Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StatusText:
    """A status in words: `label` for a badge, `headline` and `detail` (may be empty) for a page."""

    label: str
    headline: str
    detail: str


STATUSES: Mapping[str, StatusText] = MappingProxyType(
    {
        "PENDING": StatusText(
            "In progress",
            "We're preparing your order",
            "We set the items aside and take your payment. This usually takes a second or two.",
        ),
        "AWAITING_PAYMENT": StatusText(
            "Awaiting payment",
            "Your order is waiting for your payment",
            "The items are set aside for you.",
        ),
        "PAID": StatusText("Paid", "We received your payment", "We are finishing your order."),
        "COMPLETED": StatusText(
            "Completed",
            "Your order is complete",
            "Thank you! Your order is paid, and your parcel is on its way.",
        ),
        "CANCELLING": StatusText(
            "Being cancelled",
            "We're cancelling your order",
            "We are undoing what was done for it.",
        ),
        "CANCELLED": StatusText("Cancelled", "Your order was cancelled", ""),
        "NEEDS_ATTENTION": StatusText(
            "With our team",
            "A person is looking after your order",
            "You don't need to do anything, and please don't pay again. If you write to us, quote "
            "your order number.",
        ),
    }
)
_IN_PROGRESS = StatusText(
    "In progress", "We're working on your order", "This usually takes a second or two."
)

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "OUT_OF_STOCK": "We don't have enough of an item in stock.",
        "UNKNOWN_PRODUCT": "We don't sell one of the items.",
        "PAYMENT_DECLINED": "Your payment was declined.",
        "PAYMENT_EXPIRED": "We did not receive your payment in time.",
        "SHIPMENT_REJECTED": "Our carrier does not deliver to your address.",
        "CANCELLED_BY_CUSTOMER": "You cancelled this order.",
        "INTERNAL_ERROR": "Something went wrong on our side.",
    }
)
# With these reasons, the order ended before any money was taken.
_BEFORE_THE_CHARGE = frozenset(
    {"OUT_OF_STOCK", "UNKNOWN_PRODUCT", "PAYMENT_DECLINED", "PAYMENT_EXPIRED"}
)
UNSETTLED = (
    "Something went wrong on our side, and we could not undo all of it yet. "
    "Our team is working on it and will settle what we owe you."
)
"""Why an order needs attention."""


def status_text(
    status: str, *, is_payable: bool = False, is_being_cancelled: bool = False
) -> StatusText:
    """Returns the words for an order's status.

    `is_payable`: a payment can be given now. `is_being_cancelled`: the order is open, and its
    customer asked to cancel it.
    """
    if is_being_cancelled:
        return STATUSES["CANCELLING"]
    if status == "AWAITING_PAYMENT" and not is_payable:
        return _IN_PROGRESS
    name = status.replace("_", " ").capitalize()
    return STATUSES.get(status) or StatusText(name, name, "")


def cause_text(code: str) -> str:
    """Returns why an order is being cancelled.

    It says nothing of the money: what happens to that is known only once everything is undone.
    """
    return _REASONS.get(code) or f"{code.replace('_', ' ').capitalize()}."


def reason_text(code: str, *, was_charged: bool | None) -> str:
    """Returns why an order was cancelled, and what happened to the money.

    `was_charged` is None where it is not known whether money was taken.
    """
    reason = cause_text(code)
    if code in _BEFORE_THE_CHARGE or was_charged is False:
        return f"{reason} You have not been charged."
    if was_charged is None:
        return f"{reason} If you were charged, you have been refunded."
    return f"{reason} Your payment has been refunded."


def event_text(event_type: str, data: Data) -> str:
    """Returns one sentence for an event, made from its `data`; raises KeyError where that lacks a
    field."""
    write = _EVENTS.get(event_type)
    if write is not None:
        return write(data)
    words = re.findall(r"[A-Z][a-z0-9]*", event_type) or [event_type]
    return " ".join(words).capitalize() + "."


def _count(items: Iterable[Data]) -> str:
    units = sum(item["quantity"] for item in items)
    return "1 item" if units == 1 else f"{units} items"


def _amount(data: Data) -> str:
    return str(Money(data["amount_cents"], data["currency"]))


def _total(data: Data) -> str:
    return str(Money(data["total_cents"], data["currency"]))


def _shortage(data: Data) -> str:
    if data["reason"] == "UNKNOWN_PRODUCT":
        return "We could not set the items aside: we don't sell one of them."
    return "We could not set the items aside: there is not enough in stock."


def _cancellation(data: Data) -> str:
    sentence = f"Your order was cancelled. {data['reason']['message']}"
    refund = data.get("refund")
    return sentence if refund is None else f"{sentence} Your refund is {_amount(refund)}."


_EVENTS: Mapping[str, Callable[[Data], str]] = MappingProxyType(
    {
        "OrderPlaced": lambda data: f"We received your order of {_count(data['items'])}.",
        "StockReserved": lambda data: (
            f"We set {_count(data['lines'])} aside for you. The total is {_total(data)}."
        ),
        "StockReservationFailed": _shortage,
        "PaymentRequested": lambda data: (
            f"We asked you to pay {_total(data)} by {clock.from_iso(data['due_at']):%H:%M:%S} UTC."
        ),
        "PaymentCaptured": lambda data: f"Your payment of {_amount(data)} went through.",
        "PaymentDeclined": lambda data: "Your payment was declined.",
        "PaymentRefunded": lambda data: f"We refunded your payment of {_amount(data)}.",
        "ShipmentCreated": lambda data: (
            f"{data['carrier']} is delivering your parcel. "
            f"Its tracking number is {data['tracking_number']}."
        ),
        "ShipmentRejected": lambda data: "Our carrier does not deliver to your address.",
        "ShipmentCancelled": lambda data: "We cancelled your parcel.",
        "StockCommitted": lambda data: "The items set aside are now yours.",
        "StockReleased": lambda data: "The items set aside are back on sale.",
        "OrderCompleted": lambda data: "Your order is complete. Thank you!",
        "OrderCancellationRequested": lambda data: "You asked us to cancel your order.",
        "OrderCancellationStarted": lambda data: (
            f"We are cancelling your order. {data['reason']['message']}"
        ),
        "OrderCancelled": _cancellation,
        "OrderNeedsAttention": lambda data: data["reason"]["message"],
        "OrderRedriven": lambda data: "We are working on your order again.",
        "OrderAnonymized": lambda data: "We erased your personal data from this order.",
    }
)
