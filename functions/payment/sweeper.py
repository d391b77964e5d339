"""Refunds payments of orders that were cancelled."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from payment import service, wiring
from payment.domain import PaymentStatus
from shared.sweeping import Sweeper


def sweep(payload: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Checks the payments; see `Sweeper.handler`."""
    repository = wiring.repository()
    return Sweeper(
        service="payment",
        repository=repository,
        held={PaymentStatus.PENDING, PaymentStatus.CAPTURED},
        kept={PaymentStatus.CAPTURED},
        undo=lambda task, at: service.refund(repository, wiring.provider(), task, at),
    ).handler(payload, context)
