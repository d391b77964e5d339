"""Calls off what was booked for an order that was cancelled, or that never was."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared import sweeping
from shipping import saga, service
from shipping.domain import ShipmentStatus

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_sweeper = sweeping.Sweeper(
    service="shipping",
    rows=saga.repository,
    held={ShipmentStatus.PENDING, ShipmentStatus.CREATED},
    kept={ShipmentStatus.CREATED},
    undo=lambda task, at: service.cancel(saga.repository, saga.carrier, task, at),
)


def sweep(payload: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Checks the shipments; see `shared.sweeping.handle`."""
    return sweeping.handle(_sweeper, payload, context)
