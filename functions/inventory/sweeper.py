"""Releases stock of orders that were cancelled."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from inventory import service, wiring
from inventory.domain import ReservationStatus
from shared.sweeping import Sweeper


def sweep(payload: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Checks the reservations; see `Sweeper.handler`."""
    repository = wiring.repository()
    return Sweeper(
        service="inventory",
        repository=repository,
        held={ReservationStatus.RESERVED, ReservationStatus.COMMITTED},
        kept={ReservationStatus.COMMITTED},
        undo=lambda task, at: service.release(repository, task, at),
    ).handler(payload, context)
