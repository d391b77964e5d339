"""The rules of an order: its life, and what may happen when. Pure: no I/O, no clock, no AWS.

    PENDING ──> AWAITING_PAYMENT ──> PAID ──> COMPLETED     paid with the order: straight to PAID
       └───────────────┴──────────────┴──> CANCELLING ──> CANCELLED       everything was undone
                                             │   ↑  └──────┐
                                             ↓   │redrive  │
                                          NEEDS_ATTENTION ─┘              a compensation is stuck

The row decides whether an order completes or turns back: whichever is written first stands, and the
saga follows it. So the turn is written, with its cause, before anything is undone.

A request to cancel marks the open order. The saga's next step sees the mark and raises
CancelledByCustomer, which turns the order back like any other failure; CompleteOrder is the last
step that can. Request and step write the same row on condition of its version, so one of them comes
first.

Only the row's current execution may change the order. Every redrive makes another one the current
one, and raises the version, so that a write which an older execution has under way is refused.

A decision is a function from an order to a Change: the order afterwards, and the event to publish.
A decision that was made before returns the order unchanged, so that every step can be repeated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared import wording
from shared.errors import (
    CancelledByCustomer,
    Conflict,
    ExecutionSuperseded,
    PaymentExpired,
    StepAlreadyUndone,
)
from shared.events import DomainEvent, Origin

SERVICE = "order"
ORDER_ID_PREFIX = "ord"


class Status(StrEnum):
    PENDING = "PENDING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PAID = "PAID"
    COMPLETED = "COMPLETED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"

    @property
    def is_open(self) -> bool:
        """Whether the saga still has something to do."""
        return not self.is_final and self is not Status.NEEDS_ATTENTION

    @property
    def is_final(self) -> bool:
        """Whether nothing is left to do, neither for the saga nor for an operator."""
        return self in {Status.COMPLETED, Status.CANCELLED}


class ReasonCode(StrEnum):
    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    PAYMENT_EXPIRED = "PAYMENT_EXPIRED"
    SHIPMENT_REJECTED = "SHIPMENT_REJECTED"
    CANCELLED_BY_CUSTOMER = "CANCELLED_BY_CUSTOMER"
    INTERNAL_ERROR = "INTERNAL_ERROR"


# The saga's error names that a customer can do something about.
_CODE_OF_ERROR = {
    "OutOfStock": ReasonCode.OUT_OF_STOCK,
    "UnknownProduct": ReasonCode.UNKNOWN_PRODUCT,
    "PaymentDeclined": ReasonCode.PAYMENT_DECLINED,
    "PaymentExpired": ReasonCode.PAYMENT_EXPIRED,
    "ShipmentRejected": ReasonCode.SHIPMENT_REJECTED,
    "CancelledByCustomer": ReasonCode.CANCELLED_BY_CUSTOMER,
}
_TOO_LATE = {
    Status.COMPLETED: "The order is complete and on its way.",
    Status.CANCELLED: "The order is already cancelled.",
    Status.NEEDS_ATTENTION: "The order is already being undone; our team is working on it.",
}

COMPENSATIONS = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")
"""The saga's states that undo, in the order in which they run."""


class IllegalTransition(Exception):
    """A step came before the one that it builds on: a bug in the state machine."""


@dataclass(frozen=True, slots=True)
class Line:
    """Units of one product; name and price are the catalogue's, known once stock is reserved."""

    sku: str
    quantity: int
    name: str | None = None
    unit_price_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
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
class PaymentWindow:
    """When the time to pay ends, and the task token that wakes the waiting saga.

    `asked_at` orders the tokens: the saga's later question has the greater text.
    """

    task_token: str
    due_at: datetime
    asked_at: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    carrier: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class Refund:
    """What was refunded to the customer, in minor units."""

    amount_cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the order turned back: an error's name, and its cause from Step Functions."""

    error: str
    cause: str


@dataclass(frozen=True, slots=True)
class Parked:
    """Which compensation got stuck, and the error that it kept failing with."""

    compensation: str
    error: str


@dataclass(frozen=True, slots=True)
class Owed:
    """What the services still hold of an order that should be undone, by their own rows.

    `refund_cents` is None where the service does not know. `unanswered` names the services that did
    not answer; for them, this says the worst.
    """

    refund_cents: int | None
    currency: str | None
    stock_held: Sequence[Mapping[str, Any]]
    shipment_booked: bool
    unanswered: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the order does not complete, in words for its customer."""

    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A customer's order. `version` counts its changes, so that none overwrites another.

    `account_id` is its owner's, None where a guest placed it. `failure` is why it turned back; None
    while it goes forward. `redrives` counts the executions after the first one, `swept` those of
    them that the sweeper started since an operator last did. `unpaid_of` are the digests of the
    callers whose unpaid orders it is one of: see `order.limits`. `payment_wait_seconds` is its own
    time to pay, None where that is everyone's. Where an erasure was requested, the personal data is
    None as soon as the order has ended: see `order.erasure`.
    """

    order_id: str
    status: Status
    lines: tuple[Line, ...]
    email: str | None
    shipping_address: Address | None
    payment_token: str | None
    correlation_id: str
    created_at: datetime
    updated_at: datetime
    total_cents: int | None = None
    currency: str | None = None
    payment: Payment | None = None
    reason: Reason | None = None
    trace_id: str | None = None
    account_id: str | None = None
    unpaid_of: tuple[str, ...] = ()
    payment_wait_seconds: int | None = None
    payment_window: PaymentWindow | None = None
    payment_expired_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    erasure_requested_at: datetime | None = None
    shipment: Shipment | None = None
    failure: Failure | None = None
    parked: Parked | None = None
    redrives: int = 0
    swept: int = 0
    version: int = 1

    @property
    def is_unpaid(self) -> bool:
        """Whether it may hold stock without a payment; once it is not, it never is again."""
        waits = self.status in (Status.PENDING, Status.AWAITING_PAYMENT)
        return waits and self.payment_token is None

    @property
    def is_to_be_anonymized(self) -> bool:
        """Whether it still has personal data that its customer wants erased."""
        return self.erasure_requested_at is not None and self.email is not None

    @property
    def is_parked(self) -> bool:
        """Whether it waits for an operator: its last execution gave up, and no redrive followed."""
        return self.status is Status.NEEDS_ATTENTION

    @property
    def execution(self) -> str:
        """The name of its current execution, the only one that may change it."""
        return execution_name(self.order_id, self.redrives)

    def status_text(self, *, is_payable: bool) -> wording.StatusText:
        """Returns the status in words; `is_payable` tells whether a payment can be given now."""
        is_being_cancelled = self.status.is_open and self.cancel_requested_at is not None
        return wording.status_text(
            self.status, is_payable=is_payable, is_being_cancelled=is_being_cancelled
        )


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a decision; `event` is None where there is nothing to publish."""

    order: Order
    event: DomainEvent | None = None


def execution_name(order_id: str, redrives: int) -> str:
    """Returns the name of an order's execution after so many redrives.

    A name can be used once, so an execution that is started twice runs once.
    """
    return order_id if redrives == 0 else f"{order_id}-r{redrives}"


def merge_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Returns one line per SKU, quantities added up, in the order in which the SKUs first came."""
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    return tuple(Line(sku, quantity) for sku, quantity in quantities.items())


def place(order: Order, origin: Origin) -> Change:
    """Accepts a new order. Its event, which everyone can read, has no payment token."""
    return Change(order, event(order, "OrderPlaced", origin, {"items": items_of(order)}))


def price(
    order: Order, lines: tuple[Line, ...], total_cents: int, currency: str, at: datetime
) -> Change:
    """Takes the catalogue's prices from the reservation.

    An order that already has prices may have been charged since, by an execution that was lost. So
    a later step raises its cancellation: the compensation of this one would only release stock.
    """
    refuse_if_undone(order)
    if order.total_cents is not None:
        return Change(order)
    refuse_if_cancelled(order)
    return Change(changed(order, at, lines=lines, total_cents=total_cents, currency=currency))


def pay(order: Order, payment: Payment, at: datetime) -> Change:
    """Records the captured payment: the order is PAID."""
    refuse_if_undone(order)
    if order.status is Status.COMPLETED:
        return Change(order)
    refuse_if_cancelled(order)
    if order.payment_expired_at is not None:
        raise PaymentExpired(f"order {order.order_id} does not take a payment any more")
    if order.status is Status.PAID:
        return Change(order)
    return Change(changed(order, at, status=Status.PAID, payment=payment))


def complete(order: Order, shipment: Shipment, origin: Origin, at: datetime) -> Change:
    refuse_if_undone(order)
    if order.status is Status.COMPLETED:
        return Change(order)
    refuse_if_cancelled(order)
    if order.status is not Status.PAID:
        raise IllegalTransition(f"order {order.order_id} is {order.status}, not paid")
    completed = changed(order, at, status=Status.COMPLETED, shipment=shipment)
    data = {
        "total_cents": order.total_cents,
        "currency": order.currency,
        "shipment": asdict(shipment),
    }
    return Change(completed, event(completed, "OrderCompleted", origin, data))


def begin_cancellation(order: Order, failure: Failure, origin: Origin, at: datetime) -> Change:
    """Turns the order back, unless it is complete; the first failure is the one that is kept.

    What has ended stays as it is: the saga reads from the order's status what to do.
    """
    if order.status.is_final or order.failure is not None:
        return Change(order)
    code = _reason_code_of(order, failure.error)
    reason = Reason(code, wording.cause_text(code))
    turned = changed(order, at, status=Status.CANCELLING, failure=failure, reason=reason)
    data = {"reason": {"code": reason.code, "message": reason.message}}
    return Change(turned, event(turned, "OrderCancellationStarted", origin, data))


def request_cancellation(order: Order, origin: Origin, at: datetime) -> Change:
    """Marks an open order as cancelled by its customer; the saga does the rest.

    An order that is being cancelled anyway is not changed. Raises Conflict where it is too late.
    """
    if order.cancel_requested_at is not None or order.status is Status.CANCELLING:
        return Change(order)
    if not order.status.is_open:
        raise Conflict(_TOO_LATE[order.status], code="ORDER_NOT_CANCELLABLE")
    marked = changed(order, at, cancel_requested_at=at)
    return Change(marked, event(marked, "OrderCancellationRequested", origin, {}))


def cancel(order: Order, refund: Refund | None, origin: Origin, at: datetime) -> Change:
    """Cancels the order after everything was undone; why it turned back is the customer's reason.

    Raises IllegalTransition where it did not turn back.
    """
    if order.status is Status.CANCELLED:
        return Change(order)
    if order.failure is None:
        raise IllegalTransition(f"order {order.order_id} is {order.status}, not being cancelled")
    code = _reason_code_of(order, order.failure.error)
    # Without a payment token, no charge was ever tried.
    was_charged = True if refund else None if order.payment_token else False
    reason = Reason(code, wording.reason_text(code, was_charged=was_charged))
    cancelled = changed(order, at, status=Status.CANCELLED, reason=reason, parked=None)
    data = {
        "reason": {"code": reason.code, "message": reason.message},
        "refund": None if refund is None else asdict(refund),
    }
    return Change(cancelled, event(cancelled, "OrderCancelled", origin, data))


def flag_for_attention(
    order: Order, parked: Parked, owed: Owed, origin: Origin, at: datetime
) -> Change:
    """Parks an order whose compensation got stuck; its event says what is still owed.

    A cancelled order stays cancelled: only the answer of that step was lost. Every redrive that
    gets stuck has an event of its own. Raises IllegalTransition where it did not turn back.
    """
    if order.status is Status.CANCELLED or order.is_parked:
        return Change(order)
    if order.failure is None:
        raise IllegalTransition(f"order {order.order_id} is {order.status}, not being cancelled")
    reason = Reason(_reason_code_of(order, order.failure.error), wording.UNSETTLED)
    flagged = changed(order, at, status=Status.NEEDS_ATTENTION, reason=reason, parked=parked)
    data = {
        "compensation": parked.compensation,
        "error": parked.error,
        "reason": {"code": reason.code, "message": reason.message},
        "owed": asdict(owed),
    }
    occurrence = order.redrives + 1
    return Change(flagged, event(flagged, "OrderNeedsAttention", origin, data, occurrence))


def turned_back_by(order: Order) -> Failure | None:
    """Returns why an execution that starts now undoes the order; None where it goes forward."""
    if order.failure is None and order.cancel_requested_at is not None:
        return Failure("CancelledByCustomer", "")
    return order.failure


def resumes_at(order: Order) -> str | None:
    """Returns the compensation that an execution starts with; None where it goes forward.

    It is the first one: an earlier execution may have done anything, and undoing what never
    happened is harmless.
    """
    return None if turned_back_by(order) is None else COMPENSATIONS[0]


def items_of(order: Order) -> list[dict[str, Any]]:
    """Returns what was ordered, `[{"sku", "quantity"}]`."""
    return [{"sku": line.sku, "quantity": line.quantity} for line in order.lines]


def changed(order: Order, at: datetime, **changes: Any) -> Order:
    """Returns the order with `changes`, as its next version."""
    return replace(order, updated_at=at, version=order.version + 1, **changes)


def event(
    order: Order, event_type: str, origin: Origin, data: Mapping[str, Any], occurrence: int = 1
) -> DomainEvent:
    """Returns the event that publishes the order's last change."""
    return DomainEvent(
        SERVICE,
        event_type,
        order.order_id,
        order.updated_at,
        origin,
        data,
        occurrence,
        sequence=order.version,
    )


def refuse_if_superseded(order: Order, execution: str) -> None:
    """Raises ExecutionSuperseded for any execution but the order's current one."""
    if execution != order.execution:
        raise ExecutionSuperseded(f"{execution} is not {order.execution}, the current execution")


def refuse_if_cancelled(order: Order) -> None:
    """Raises CancelledByCustomer where the customer asked to cancel."""
    if order.cancel_requested_at is not None:
        raise CancelledByCustomer(f"order {order.order_id} was cancelled by its customer")


def refuse_if_undone(order: Order) -> None:
    """Raises StepAlreadyUndone where the order turned back."""
    if order.status in (Status.CANCELLING, Status.CANCELLED, Status.NEEDS_ATTENTION):
        raise StepAlreadyUndone(f"order {order.order_id} is {order.status} already")


def _reason_code_of(order: Order, error: str) -> ReasonCode:
    """Returns the customer's reason for a saga's error; a technical one is INTERNAL_ERROR.

    A customer who cancelled is not told that something else failed too.
    """
    code = _CODE_OF_ERROR.get(error, ReasonCode.INTERNAL_ERROR)
    if code is ReasonCode.INTERNAL_ERROR and order.cancel_requested_at is not None:
        return ReasonCode.CANCELLED_BY_CUSTOMER
    return code
