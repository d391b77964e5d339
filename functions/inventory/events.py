"""The inventory's domain events; their schemas are in `shared/schemas`."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from inventory.domain import Reservation, ReservationStatus
from inventory.views import reservation_result
from shared.events import DomainEvent
from shared.tasks import Task


def event_of(reservation: Reservation, at: datetime, task: Task) -> DomainEvent:
    """Returns the event that reports a reservation's new status."""
    items = [{"sku": line.sku, "quantity": line.quantity} for line in reservation.lines]
    data: dict[str, Any] = {"items": items}
    match reservation.status:
        case ReservationStatus.RESERVED:
            name, data = "StockReserved", reservation_result(reservation)
        case ReservationStatus.FAILED:
            assert reservation.refusal is not None, "a failed reservation says why"
            shortages = [asdict(shortage) for shortage in reservation.refusal.shortages]
            data = {"reason": reservation.refusal.reason, "shortages": shortages}
            name = "StockReservationFailed"
        case ReservationStatus.COMMITTED:
            name = "StockCommitted"
        case ReservationStatus.RELEASED:
            name = "StockReleased"
    return DomainEvent(
        "inventory", name, reservation.order_id, at, task.origin, data, sequence=task.sequence
    )
