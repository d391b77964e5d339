"""The saga's shipping steps, both idempotent by order."""

from typing import Any

from shared import chaos, clock, dynamodb
from shared.tasks import SagaSteps, Task
from shipping import models, service
from shipping.models import CreateShipment
from shipping.repository import ShipmentTable
from shipping.settings import SETTINGS
from shipping.simulated_carrier import SimulatedCarrier

repository = ShipmentTable(dynamodb.client(), SETTINGS.table_name)
# The one line to change for a real carrier.
carrier = SimulatedCarrier(dynamodb.client(), SETTINGS.table_name, read_chaos=chaos.read)
steps = SagaSteps()
handler = steps.handler


@steps.saga_task("CreateShipment", CreateShipment)
def create_shipment(command: CreateShipment) -> dict[str, Any]:
    """Books the order's parcel, once however often it is asked; returns `models.shipment_result`.

    Raises ShipmentRejected, StepAlreadyUndone, CarrierUnavailable, StorageContention.
    """
    shipment = service.create(
        repository, carrier, command.task, command.address, command.items, clock.now()
    )
    return models.shipment_result(shipment)


@steps.saga_task("CancelShipment")
def cancel_shipment(task: Task) -> dict[str, Any]:
    """Calls off whatever was booked for the order, also what we never heard of.

    Returns `models.shipment_result`. Raises CarrierUnavailable, StorageContention.
    """
    shipment = service.cancel(repository, carrier, task, clock.now())
    return models.shipment_result(shipment)
