"""The payment service's domain events; their schemas are in `shared/schemas`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payment.domain import Payment
from shared.events import DomainEvent, Origin


def captured(payment: Payment, at: datetime, origin: Origin) -> DomainEvent:
    """The provider took the money at `at`."""
    return _event("PaymentCaptured", payment, at, origin, _money(payment))


def declined(payment: Payment, at: datetime, origin: Origin) -> DomainEvent:
    """The provider refused the charge."""
    return _event("PaymentDeclined", payment, at, origin, {"reason": payment.decline_reason})


def refunded(payment: Payment, at: datetime, origin: Origin) -> DomainEvent:
    """The provider gave the money back."""
    return _event("PaymentRefunded", payment, at, origin, _money(payment))


def _event(
    name: str, payment: Payment, at: datetime, origin: Origin, data: Mapping[str, Any]
) -> DomainEvent:
    return DomainEvent("payment", name, payment.order_id, at, origin, data)


def _money(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "amount_cents": payment.amount.cents,
        "currency": payment.amount.currency,
    }
