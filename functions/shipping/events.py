"""The shipping service's domain events; their schemas are in `shared/schemas`."""

from datetime import datetime

from shared.events import DomainEvent
from shared.tasks import Task
from shipping.domain import Shipment


def event_of(name: str, shipment: Shipment, at: datetime, task: Task) -> DomainEvent:
    """Returns what happened at `at`: ShipmentCreated, ShipmentRejected or ShipmentCancelled."""
    if shipment.booking is None:
        data = {"reason": shipment.reject_reason}
    else:
        data = {
            "shipment_id": shipment.shipment_id,
            "carrier": shipment.booking.carrier,
            "tracking_number": shipment.booking.tracking_number,
        }
    return DomainEvent(
        "shipping", name, shipment.order_id, at, task.origin, data, sequence=task.sequence
    )
