"""What the service answers the saga and the HTTP API."""

from typing import Any

from payment.domain import Payment, PaymentStatus
from shared.clock import to_iso


def payment_result(payment: Payment) -> dict[str, Any]:
    """Returns the saga's `$.payment`: `{"payment_id", "status", "amount_cents", "currency"}`."""
    return {
        "payment_id": payment.payment_id,
        "status": payment.status.value,
        "amount_cents": payment.amount.cents,
        "currency": payment.amount.currency,
    }


def refund_result(payment: Payment) -> dict[str, Any]:
    """Returns what the saga learns of an undone payment: `payment_result` and `refunded_cents`.

    A payment of which nothing was captured has nothing refunded, whatever its amount.
    """
    return payment_result(payment) | {"refunded_cents": payment.refunded.cents}


def payment_view(payment: Payment) -> dict[str, Any]:
    """Returns the payment as the API shows it.

    `{"order_id", "payment_id", "status", "amount_cents", "currency", "captured_cents",
    "refunded_cents", "decline_reason", "created_at", "updated_at"}`
    """
    return {
        "order_id": payment.order_id,
        **payment_result(payment),
        "captured_cents": payment.captured.cents,
        "refunded_cents": payment.refunded.cents,
        "decline_reason": payment.decline_reason,
        "created_at": to_iso(payment.created_at),
        "updated_at": to_iso(payment.updated_at),
    }


def owed_view(payment: Payment) -> dict[str, Any]:
    """Returns what is left to give back: `{"refund_cents", "currency"}`.

    `refund_cents` is null while it is not known whether the provider took anything; `currency`
    where the order was undone before its payment began.
    """
    is_open = payment.status is PaymentStatus.PENDING
    cents = None if is_open else payment.captured.cents - payment.refunded.cents
    currency = None if payment.is_tombstone else payment.amount.currency
    return {"refund_cents": cents, "currency": currency}
