"""What crosses the service's border: the saga's commands and results, and the API's answer."""

from dataclasses import dataclass
from typing import Any, Self

from payment.domain import Payment
from shared.clock import to_iso
from shared.fields import Fields
from shared.money import Money
from shared.tasks import Task


@dataclass(frozen=True, slots=True)
class ChargePayment:
    """Take the order's total: `{"amount_cents", "currency", "token"}`."""

    task: Task
    amount_cents: int
    currency: str
    token: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads the payload; see `shared.tasks.Command`."""
        return cls(
            task,
            amount_cents=fields.integer("amount_cents"),
            currency=fields.text("currency", pattern="[A-Z]{3}"),
            token=fields.text("token"),
        )

    @property
    def amount(self) -> Money:
        """The amount to take; a property, because a command is read before it is checked."""
        return Money(self.amount_cents, self.currency)


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


def payment_answer(payment: Payment) -> dict[str, Any]:
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
