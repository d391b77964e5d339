"""The shipping service's domain events; their schemas are in `shared/schemas`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.events import DomainEvent, Origin
from shipping.domain import Booking, Shipment


def created(shipment: Shipment, booking: Booking, origin: Origin) -> DomainEvent:
    """The carrier took the parcel."""
    return _event(
        "ShipmentCreated", shipment, booking.booked_at, origin, _parcel(shipment, booking)
    )


def rejected(shipment: Shipment, at: datetime, origin: Origin) -> DomainEvent:
    """The carrier refused the parcel."""
    return _event("ShipmentRejected", shipment, at, origin, {"reason": shipment.reject_reason})


def cancelled(shipment: Shipment, booking: Booking, at: datetime, origin: Origin) -> DomainEvent:
    """The booking was called off."""
    return _event("ShipmentCancelled", shipment, at, origin, _parcel(shipment, booking))


def _event(
    name: str, shipment: Shipment, at: datetime, origin: Origin, data: Mapping[str, Any]
) -> DomainEvent:
    return DomainEvent("shipping", name, shipment.order_id, at, origin, data)


def _parcel(shipment: Shipment, booking: Booking) -> dict[str, Any]:
    return {
        "shipment_id": shipment.shipment_id,
        "carrier": booking.carrier,
        "tracking_number": booking.tracking_number,
    }
