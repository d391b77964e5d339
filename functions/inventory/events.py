"""The inventory's domain events; their schemas are in `shared/schemas`."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from inventory.domain import Reservation, ReservationStatus
from inventory.views import reservation_result
from shared.events import DomainEvent, Origin


def event_of(reservation: Reservation, at: datetime, origin: Origin) -> DomainEvent:
    """Returns the event that reports a reservation's new status."""
    match reservation.status:
        case ReservationStatus.RESERVED:
            name, data = "StockReserved", reservation_result(reservation)
        case ReservationStatus.FAILED:
            name, data = "StockReservationFailed", _refused(reservation)
        case ReservationStatus.COMMITTED:
            name, data = "StockCommitted", _counted(reservation)
        case ReservationStatus.RELEASED:
            name, data = "StockReleased", _counted(reservation)
    return DomainEvent("inventory", name, reservation.order_id, at, origin, data)


def _refused(reservation: Reservation) -> dict[str, Any]:
    assert reservation.refusal is not None, "a failed reservation says why"
    return {
        "reason": reservation.refusal.reason,
        "shortages": [asdict(shortage) for shortage in reservation.refusal.shortages],
    }


def _counted(reservation: Reservation) -> dict[str, Any]:
    return {"items": [{"sku": line.sku, "quantity": line.quantity} for line in reservation.lines]}
