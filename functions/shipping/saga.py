"""The saga's shipping steps, both idempotent by order; `service` says what they raise."""

from typing import Any

from shared import clock, queries
from shared.fields import Fields
from shared.tasks import SagaSteps, Task
from shipping import service, views, wiring
from shipping.commands import CreateShipment

steps = SagaSteps()
handler = steps.handler


@steps.saga_task("CreateShipment", CreateShipment)
def create_shipment(command: CreateShipment) -> dict[str, Any]:
    """Books the order's parcel, once however often it is asked; returns `views.shipment_result`."""
    repository, carrier = wiring.repository(), wiring.carrier()
    shipment = service.create(
        repository, carrier, command.task, command.address, command.items, clock.now()
    )
    return views.shipment_result(shipment)


@steps.saga_task("CancelShipment")
def cancel_shipment(task: Task) -> dict[str, Any]:
    """Calls off whatever was booked for the order; returns `views.shipment_result`."""
    shipment = service.cancel(wiring.repository(), wiring.carrier(), task, clock.now())
    return views.shipment_result(shipment)


@steps.query("owed")
def owed(fields: Fields) -> dict[str, Any]:
    """Whether each order has a parcel booked: see `queries.owed`."""
    return queries.owed(fields, wiring.repository(), views.owed_view)


@steps.query("circuit")
def circuit(_: Fields) -> dict[str, Any]:
    """The state of the circuit at the carrier: `Circuit.view`."""
    return wiring.carrier_circuit().view()
