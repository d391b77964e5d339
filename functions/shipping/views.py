"""What the service answers the saga and the HTTP API."""

from dataclasses import asdict
from typing import Any

from shared.clock import to_iso
from shipping.domain import Shipment, ShipmentStatus


def shipment_result(shipment: Shipment) -> dict[str, Any]:
    """Returns the saga's `$.shipment`: `{"shipment_id", "status", "carrier", "tracking_number"}`.

    The last two are null where nothing was booked.
    """
    booking = shipment.booking
    return {
        "shipment_id": shipment.shipment_id,
        "status": shipment.status.value,
        "carrier": booking.carrier if booking else None,
        "tracking_number": booking.tracking_number if booking else None,
    }


def shipment_view(shipment: Shipment) -> dict[str, Any]:
    """Returns the shipment as the API shows it.

    `{"order_id", "shipment_id", "status", "carrier", "tracking_number", "address": {"street",
    "city", "state", "zip_code", "country"}, "created_at", "updated_at"}`. The address is null where
    its customer wanted it erased.
    """
    return {
        "order_id": shipment.order_id,
        **shipment_result(shipment),
        "address": asdict(shipment.address) if shipment.address else None,
        "created_at": to_iso(shipment.created_at),
        "updated_at": to_iso(shipment.updated_at),
    }


def owed_view(shipment: Shipment) -> dict[str, Any]:
    """Returns whether a parcel is booked: `{"shipment_booked"}`, null while it is not known."""
    if shipment.status is ShipmentStatus.PENDING:
        return {"shipment_booked": None}
    return {"shipment_booked": shipment.status is ShipmentStatus.CREATED}
