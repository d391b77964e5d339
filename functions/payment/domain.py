"""The rules of a payment: charged once, undone at any moment, never charged after it was undone.

    PENDING ──> CAPTURED ──> REFUNDED    the provider took the money, and later gave it back
       ├──────> DECLINED                 the provider refused
       ├──────> REFUNDED                 its reply was lost; the undo found the money taken
       └──────> VOIDED                   undone, with no money taken

A payment that is undone before it began starts as VOIDED: the tombstone that a late charge meets.
Nothing here does I/O or knows of AWS.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.errors import PaymentDeclined, StepAlreadyUndone
from shared.ids import derived_id
from shared.money import Money

NOTHING = Money(0, "XXX")
"""A tombstone's amount: XXX is ISO 4217's code for "no currency"."""


class PaymentStatus(StrEnum):
    """Where a payment stands; DECLINED, REFUNDED and VOIDED are final."""

    PENDING = "PENDING"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


class AmountChanged(Exception):
    """A charge was repeated with another amount: a bug, since an order's total is fixed."""


@dataclass(frozen=True, slots=True)
class Payment:
    """The one payment of an order; `version` counts its changes."""

    order_id: str
    payment_id: str
    status: PaymentStatus
    amount: Money
    created_at: datetime
    updated_at: datetime
    decline_reason: str | None = None
    version: int = 1

    @property
    def captured(self) -> Money:
        """What the provider took, whether or not it gave it back since."""
        was_captured = self.status in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED)
        return self.amount if was_captured else self.amount * 0

    @property
    def refunded(self) -> Money:
        """What the provider gave back."""
        return self.amount if self.status is PaymentStatus.REFUNDED else self.amount * 0

    @property
    def is_tombstone(self) -> bool:
        """Whether the order was undone before its payment began."""
        return self.amount == NOTHING

    @property
    def owes_nothing(self) -> bool:
        """Whether there is nothing left to undo."""
        return self.status not in (PaymentStatus.PENDING, PaymentStatus.CAPTURED)

    def require_captured(self) -> None:
        """Raises PaymentDeclined or StepAlreadyUndone where the charge ended so."""
        if self.status is PaymentStatus.DECLINED:
            raise PaymentDeclined(self.decline_reason)
        if self.status in (PaymentStatus.REFUNDED, PaymentStatus.VOIDED):
            raise StepAlreadyUndone(f"the payment of {self.order_id} was undone")


def begin(order_id: str, amount: Money, at: datetime) -> Payment:
    return Payment(order_id, derived_id("pay", order_id), PaymentStatus.PENDING, amount, at, at)


def tombstone(order_id: str, at: datetime) -> Payment:
    """Returns the payment of an order that was undone before its payment began."""
    return Payment(order_id, derived_id("pay", order_id), PaymentStatus.VOIDED, NOTHING, at, at)


def first_answer(payment: Payment, amount: Money) -> Payment | None:
    """Returns the outcome of a charge of `amount`; None where it is still open.

    Raises PaymentDeclined again where it was declined, StepAlreadyUndone where it was undone, and
    AmountChanged where the payment is over another amount.
    """
    payment.require_captured()
    if payment.amount != amount:
        raise AmountChanged(f"{payment.order_id}: first {payment.amount}, now {amount}")
    return payment if payment.status is PaymentStatus.CAPTURED else None


def capture(payment: Payment, at: datetime) -> Payment:
    return _changed(payment, PaymentStatus.CAPTURED, at)


def decline(payment: Payment, reason: str, at: datetime) -> Payment:
    return replace(_changed(payment, PaymentStatus.DECLINED, at), decline_reason=reason)


def refund(payment: Payment, at: datetime) -> Payment:
    return _changed(payment, PaymentStatus.REFUNDED, at)


def void(payment: Payment, at: datetime) -> Payment:
    """Returns the payment undone with no money taken; ValueError where money was taken."""
    if payment.status is PaymentStatus.CAPTURED:
        raise ValueError(f"the provider knows nothing of {payment.order_id}'s captured payment")
    return _changed(payment, PaymentStatus.VOIDED, at)


def _changed(payment: Payment, status: PaymentStatus, at: datetime) -> Payment:
    return replace(payment, status=status, updated_at=at, version=payment.version + 1)
