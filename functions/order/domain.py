"""The rules of an order: its life, and what may happen when. Pure: no I/O, no clock, no AWS.

    PENDING ───> PAID ───> COMPLETED
       ├──────────┴───────────┴────────> CANCELLED          everything was undone
       └──────────┴───────────┴────────> NEEDS_ATTENTION    the undo got stuck; once it is mended,
                                                            the order is CANCELLED

Even a completed order can be undone, by its saga alone: the step that completed it may have worked
and its answer been lost, which the saga takes for a failure.

A decision takes an order and returns a Change: the order as it is afterwards, and the event that
tells the world. A decision that was taken before returns the order unchanged, so that every step
can be repeated.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.errors import StepAlreadyUndone
from shared.events import DomainEvent, Origin

SERVICE = "order"
ORDER_ID_PREFIX = "ord"


class Status(StrEnum):
    """Where an order is in its life."""

    PENDING = "PENDING"
    PAID = "PAID"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"

    @property
    def is_open(self) -> bool:
        """Whether the saga still has something to do."""
        return self in {Status.PENDING, Status.PAID}


class ReasonCode(StrEnum):
    """Why an order did not complete."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


# The saga's error names that a customer can do something about, and the words for them.
_CODE_OF_ERROR = {
    "OutOfStock": ReasonCode.OUT_OF_STOCK,
    "UnknownProduct": ReasonCode.UNKNOWN_PRODUCT,
    "PaymentDeclined": ReasonCode.PAYMENT_DECLINED,
}
_MESSAGES = {
    ReasonCode.OUT_OF_STOCK: "We don't have enough of an item in stock. You have not been charged.",
    ReasonCode.UNKNOWN_PRODUCT: "We don't sell one of the items. You have not been charged.",
    ReasonCode.PAYMENT_DECLINED: "Your payment was declined. You have not been charged.",
    ReasonCode.INTERNAL_ERROR: (
        "Something went wrong on our side. If you were charged, you have been refunded."
    ),
}
_UNSETTLED_MESSAGE = (
    "Something went wrong on our side, and we could not undo all of it yet. "
    "Our team is on it and will settle what we owe you."
)


class IllegalTransition(Exception):
    """A step came before the one that it builds on: a bug of the state machine's."""


@dataclass(frozen=True, slots=True)
class Line:
    """Units of one product; name and price are the catalogue's, known once stock is reserved."""

    sku: str
    quantity: int
    name: str | None = None
    unit_price_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where the order goes."""

    street: str
    city: str
    state: str
    zip_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A captured charge, in minor units."""

    payment_id: str
    amount_cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the order did not complete, in words for its customer."""

    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A customer's order. `version` counts its changes, so that none overwrites another."""

    order_id: str
    status: Status
    lines: tuple[Line, ...]
    email: str
    shipping_address: Address
    payment_token: str
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    total_cents: int | None = None
    currency: str | None = None
    payment: Payment | None = None
    reason: Reason | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Placement:
    """Which order an idempotency key placed, and the fingerprint of the request that did."""

    key: str
    fingerprint: str
    order_id: str


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a decision; without an event where nothing outsiders know of happened."""

    order: Order
    event: DomainEvent | None = None


def merge_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Returns one line per SKU, quantities added up, in the order in which the SKUs first came."""
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    return tuple(Line(sku, quantity) for sku, quantity in quantities.items())


def place(order: Order, origin: Origin) -> Change:
    """Accepts a new order. The token stays out of the event, which everyone can read."""
    return Change(order, _event(order, "OrderPlaced", origin, {"items": items_of(order)}))


def price(
    order: Order, lines: tuple[Line, ...], total_cents: int, currency: str, at: datetime
) -> Change:
    """Takes over the catalogue's prices, from the reservation."""
    _refuse_if_undone(order)
    if order.total_cents is not None:
        return Change(order)
    return Change(_changed(order, at, lines=lines, total_cents=total_cents, currency=currency))


def pay(order: Order, payment: Payment, at: datetime) -> Change:
    """Notes the captured payment: the order is PAID."""
    _refuse_if_undone(order)
    if order.status in (Status.PAID, Status.COMPLETED):
        return Change(order)
    return Change(_changed(order, at, status=Status.PAID, payment=payment))


def complete(order: Order, origin: Origin, at: datetime) -> Change:
    """Ends the order well: it is COMPLETED."""
    _refuse_if_undone(order)
    if order.status is Status.COMPLETED:
        return Change(order)
    if order.status is not Status.PAID:
        raise IllegalTransition(f"order {order.order_id} is {order.status}, not paid")
    completed = _changed(order, at, status=Status.COMPLETED)
    data = {"total_cents": order.total_cents, "currency": order.currency}
    return Change(completed, _event(completed, "OrderCompleted", origin, data))


def cancel(order: Order, error: str, origin: Origin, at: datetime) -> Change:
    """Ends the order after everything was undone; the error's name gives the customer's reason."""
    if order.status is Status.CANCELLED:
        return Change(order)
    code = reason_code(error)
    reason = Reason(code, _MESSAGES[code])
    cancelled = _changed(order, at, status=Status.CANCELLED, reason=reason)
    data = {"reason": {"code": reason.code, "message": reason.message}}
    return Change(cancelled, _event(cancelled, "OrderCancelled", origin, data))


def flag_for_attention(
    order: Order,
    error: str,
    compensation: str,
    compensation_error: str,
    origin: Origin,
    at: datetime,
) -> Change:
    """Parks an order whose undo got stuck, and says what is still owed.

    A cancelled order stays so: its cancellation happened, and only the answer was lost.
    """
    if order.status in (Status.NEEDS_ATTENTION, Status.CANCELLED):
        return Change(order)
    reason = Reason(reason_code(error), _UNSETTLED_MESSAGE)
    flagged = _changed(order, at, status=Status.NEEDS_ATTENTION, reason=reason)
    data = {
        "compensation": compensation,
        "error": compensation_error,
        "reason": {"code": reason.code, "message": reason.message},
        "owed": _owed(order, compensation),
    }
    return Change(flagged, _event(flagged, "OrderNeedsAttention", origin, data))


def reason_code(error: str) -> ReasonCode:
    """Returns the customer's reason for a saga's error; what is no business reason stays inside."""
    return _CODE_OF_ERROR.get(error, ReasonCode.INTERNAL_ERROR)


def items_of(order: Order) -> list[dict[str, Any]]:
    """Returns what was ordered, `[{"sku", "quantity"}]`."""
    return [{"sku": line.sku, "quantity": line.quantity} for line in order.lines]


def execution_input(order: Order) -> str:
    """Returns the saga's input: for one order always the same text, so a start can be repeated."""
    return json.dumps(
        {
            "order_id": order.order_id,
            "items": items_of(order),
            "payment": {"token": order.payment_token},
            "correlation_id": order.correlation_id,
        }
    )


def _owed(order: Order, compensation: str) -> dict[str, Any]:
    """Returns what is left to undo when `compensation` got stuck.

    The compensations run in the order RefundPayment, ReleaseStock, CancelOrder; so those before
    the stuck one are done. A refund's sum is None where it is unknown whether money was captured.
    """
    refunded = compensation in ("ReleaseStock", "CancelOrder")
    released = compensation == "CancelOrder"
    captured = None if order.payment is None else order.payment.amount_cents
    return {
        "refund_cents": 0 if refunded else captured,
        "currency": order.currency,
        "stock_held": [] if released else items_of(order),
    }


def _refuse_if_undone(order: Order) -> None:
    if order.status in (Status.CANCELLED, Status.NEEDS_ATTENTION):
        raise StepAlreadyUndone(f"order {order.order_id} is {order.status} already")


def _changed(order: Order, at: datetime, **changes: Any) -> Order:
    return replace(order, updated_at=at, version=order.version + 1, **changes)


def _event(order: Order, event_type: str, origin: Origin, data: Mapping[str, Any]) -> DomainEvent:
    return DomainEvent(SERVICE, event_type, order.order_id, order.updated_at, origin, data)
