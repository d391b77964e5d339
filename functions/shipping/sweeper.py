"""Calls off parcels of orders that were cancelled."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.sweeping import Sweeper
from shipping import service, wiring
from shipping.domain import ShipmentStatus


def sweep(payload: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Checks the shipments; see `Sweeper.handler`."""
    repository = wiring.repository()
    return Sweeper(
        service="shipping",
        repository=repository,
        held={ShipmentStatus.PENDING, ShipmentStatus.CREATED},
        kept={ShipmentStatus.CREATED},
        undo=lambda task, at: service.cancel(repository, wiring.carrier(), task, at),
    ).handler(payload, context)
