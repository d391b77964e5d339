"""The time in which a customer may pay for an order that was placed without a payment. Pure.

The saga asks (`ask_for_payment`), the customer answers (`give_payment`), and the saga closes the
window (`close`). Payment, cancellation and expiry all write the order's row, and the first write
decides. Waking the saga carries no decision; `close` then reads what was decided.
"""

from dataclasses import replace
from datetime import datetime

from order import domain
from order.domain import Change, IllegalTransition, Order, PaymentWindow, Status
from shared import clock
from shared.errors import Conflict, PaymentExpired, PaymentWindowOpen
from shared.events import Origin


def ask_for_payment(order: Order, window: PaymentWindow, origin: Origin, at: datetime) -> Change:
    """Opens the window: the order is AWAITING_PAYMENT until it is due.

    A later question replaces the task token and keeps the time limit that the customer was told. An
    earlier one that comes late changes nothing: its token wakes nobody. An order that is already
    decided is not opened again.
    """
    domain.refuse_if_undone(order)
    if is_decided(order, at):
        return Change(order)
    if order.payment_window is not None:
        if window.asked_at <= order.payment_window.asked_at:
            return Change(order)
        window = replace(window, due_at=order.payment_window.due_at)
        return Change(domain.changed(order, at, payment_window=window))
    if order.total_cents is None:
        raise IllegalTransition(f"order {order.order_id} has no prices yet")
    waiting = domain.changed(order, at, status=Status.AWAITING_PAYMENT, payment_window=window)
    data = {
        "total_cents": order.total_cents,
        "currency": order.currency,
        "due_at": clock.to_iso(window.due_at),
    }
    return Change(waiting, domain.event(waiting, "PaymentRequested", origin, data))


def give_payment(order: Order, token: str, at: datetime) -> Change:
    """Takes the customer's payment token; a repeat of the same token changes nothing.

    Raises Conflict with the reason where the order does not wait for a payment.
    """
    if order.payment_window is not None and order.payment_token == token:
        return Change(order)
    refusal = _refusal(order, at)
    if refusal is not None:
        raise Conflict(refusal, code="ORDER_NOT_AWAITING_PAYMENT")
    return Change(domain.changed(order, at, payment_token=token))


def close(order: Order, at: datetime) -> Change:
    """Closes the window: the order has its payment token then, or is marked as expired.

    Raises StepAlreadyUndone, CancelledByCustomer, and PaymentWindowOpen until it is due.
    """
    domain.refuse_if_undone(order)
    domain.refuse_if_cancelled(order)
    if order.payment_token is not None or order.payment_expired_at is not None:
        return Change(order)
    if order.payment_window is not None and at < order.payment_window.due_at:
        raise PaymentWindowOpen(f"order {order.order_id} can still be paid")
    return Change(domain.changed(order, at, payment_expired_at=at))


def token_of(order: Order) -> str:
    """Returns the payment token of an order whose window is closed; raises PaymentExpired."""
    if order.payment_token is None:
        raise PaymentExpired(f"order {order.order_id} was not paid in time")
    return order.payment_token


def is_decided(order: Order, at: datetime) -> bool:
    """Returns whether the saga need not wait any more."""
    return (
        order.payment_token is not None
        or order.cancel_requested_at is not None
        or order.payment_expired_at is not None
        or (order.payment_window is not None and at >= order.payment_window.due_at)
    )


def due_at(order: Order, at: datetime) -> datetime | None:
    """Returns until when a payment can be given; None where none can."""
    if order.payment_window is None or _refusal(order, at) is not None:
        return None
    return order.payment_window.due_at


def _refusal(order: Order, at: datetime) -> str | None:
    """Returns why the order takes no payment, or None where it does."""
    is_late = order.payment_window is not None and at >= order.payment_window.due_at
    reasons = (
        (order.status in (Status.PAID, Status.COMPLETED), "The order is already paid."),
        (order.status is Status.CANCELLING, "The order is being cancelled."),
        (
            order.payment_token is not None and order.status.is_open,
            "A payment was already given.",
        ),
        (order.payment_expired_at is not None, "The time to pay is over."),
        (
            order.status is Status.NEEDS_ATTENTION,
            "The order is being undone; our team is working on it.",
        ),
        (
            order.cancel_requested_at is not None or order.status is Status.CANCELLED,
            "The order is cancelled.",
        ),
        (
            order.payment_window is None,
            "We are still setting the items aside. Try again in a moment.",
        ),
        (is_late, "The time to pay is over."),
    )
    return next((reason for applies, reason in reasons if applies), None)
