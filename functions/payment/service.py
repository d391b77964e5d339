"""Charging an order's payment and undoing it, each idempotent by order.

Neither a crash nor a race takes money twice, or keeps it after the undo:

- our row says PENDING before we ask the provider: a charge that comes after its undo finds the
  tombstone there, and never asks;
- the provider knows the order's id as the idempotency key: a repeat is the same charge;
- an undo that finds no charge at the provider voids the key: a charge still on its way is refused.
"""

from datetime import datetime

from payment import domain
from payment.domain import Payment, PaymentStatus
from payment.events import event_of
from payment.provider import Capture, Decline, KeyVoided, PaymentProvider
from payment.repository import PaymentTable
from shared.errors import (
    PaymentOutcomeUnknown,
    PaymentProviderUnavailable,
    RefundUnavailable,
    StepAlreadyUndone,
)
from shared.money import Money
from shared.tasks import Task


def charge(
    repository: PaymentTable,
    provider: PaymentProvider,
    task: Task,
    amount: Money,
    token: str,
    at: datetime,
) -> Payment:
    """Captures the amount; a repeat gets the first answer. Returns the CAPTURED payment.

    Raises PaymentDeclined, StepAlreadyUndone, PaymentProviderUnavailable, PaymentOutcomeUnknown,
    CircuitOpen, StorageContention; AmountChanged where the repeat is over another amount.
    """
    pending = repository.create(domain.begin(task.order_id, amount, at))
    if answer := domain.first_answer(pending, amount):
        return answer
    try:
        outcome = provider.charge(task.order_id, amount, token)
    except KeyVoided as voided:
        raise StepAlreadyUndone(f"the payment of {task.order_id} was undone") from voided
    match outcome:
        case Decline(reason):
            payment = domain.decline(pending, reason, at)
            event = event_of("PaymentDeclined", payment, at, task)
        case Capture(refunded=True):
            raise StepAlreadyUndone(f"the payment of {task.order_id} was undone")
        case Capture(captured_at=captured_at):
            payment = domain.capture(pending, at)
            event = event_of("PaymentCaptured", payment, captured_at, task)
    # Where an undo got here first, this is refused, and so is the charge's next attempt.
    repository.update(pending, payment, [event])
    payment.require_captured()
    return payment


def refund(
    repository: PaymentTable, provider: PaymentProvider, task: Task, at: datetime
) -> Payment:
    """Gives back whatever was captured, whether or not we know of it; returns the payment, undone.

    A payment of which nothing was captured is VOIDED, a declined one stays DECLINED. Raises
    RefundUnavailable where the provider can't do it now, CircuitOpen, and StorageContention.
    """
    payment = repository.find(task.order_id)
    if payment is None:
        # Where a charge began meanwhile, its payment is what stands, and is undone below.
        payment = repository.create(domain.tombstone(task.order_id, at))
    if payment.owes_nothing:
        return payment
    try:
        found = provider.find_charge(task.order_id) or provider.void(task.order_id)
        if isinstance(found, Capture):
            provider.refund(task.order_id)
    except (PaymentProviderUnavailable, PaymentOutcomeUnknown) as exc:
        # Unlike a charge, an undo in doubt can simply be tried again.
        raise RefundUnavailable(str(exc)) from exc
    if not isinstance(found, Capture):
        undone = domain.void(payment, at)
        reports = []
    else:
        undone = domain.refund(payment, at)
        reports = [event_of("PaymentRefunded", undone, at, task)]
        if payment.status is PaymentStatus.PENDING:
            # The reply was lost, so no event has reported the capture yet.
            capture = event_of("PaymentCaptured", undone, found.captured_at, task)
            reports.insert(0, capture)
    repository.update(payment, undone, reports)
    return undone
