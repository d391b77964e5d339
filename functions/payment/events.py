"""The payment service's domain events; their schemas are in `shared/schemas`."""

from datetime import datetime
from typing import Any

from payment.domain import Payment
from shared.events import DomainEvent
from shared.tasks import Task


def event_of(name: str, payment: Payment, at: datetime, task: Task) -> DomainEvent:
    """Returns what the provider did at `at`: PaymentCaptured, PaymentDeclined, PaymentRefunded."""
    data: dict[str, Any]
    if name == "PaymentDeclined":
        data = {"reason": payment.decline_reason}
    else:
        data = {
            "payment_id": payment.payment_id,
            "amount_cents": payment.amount.cents,
            "currency": payment.amount.currency,
        }
    return DomainEvent(
        "payment", name, payment.order_id, at, task.origin, data, sequence=task.sequence
    )
