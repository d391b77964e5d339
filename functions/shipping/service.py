"""Booking an order's shipment and calling it off, each idempotent by order.

Neither a crash nor a race sends two parcels, or one that was called off, for the same three reasons
as with a payment: our row says PENDING before the carrier is asked; the carrier knows the order's
id as the idempotency key; and calling off closes that key, whether or not anything was booked.
"""

from collections.abc import Sequence
from datetime import datetime

from shared.errors import StepAlreadyUndone
from shared.tasks import Task
from shipping import domain
from shipping.carrier import BookingCancelled, Carrier, Rejection
from shipping.domain import Address, Booking, Item, Shipment, ShipmentStatus
from shipping.events import event_of
from shipping.repository import ShipmentTable


def create(
    repository: ShipmentTable,
    carrier: Carrier,
    task: Task,
    address: Address,
    items: Sequence[Item],
    at: datetime,
) -> Shipment:
    """Books the parcel; a repeat gets the first answer. Returns the CREATED shipment.

    Raises ShipmentRejected, StepAlreadyUndone, CarrierUnavailable, CircuitOpen, StorageContention.
    """
    pending = repository.create(domain.begin(task.order_id, address, at))
    if answer := domain.first_answer(pending):
        return answer
    try:
        outcome = carrier.book(task.order_id, address, items)
    except BookingCancelled as cancelled:
        raise StepAlreadyUndone(f"the shipment of {task.order_id} was called off") from cancelled
    match outcome:
        case Rejection(reason):
            shipment = domain.reject(pending, reason, at)
            event = event_of("ShipmentRejected", shipment, at, task)
        case Booking():
            shipment = domain.create(pending, outcome, at)
            event = event_of("ShipmentCreated", shipment, outcome.booked_at, task)
    # Where a cancel got here first, this is refused, and so is the booking's next attempt.
    repository.update(pending, shipment, [event])
    shipment.require_created()
    return shipment


def cancel(repository: ShipmentTable, carrier: Carrier, task: Task, at: datetime) -> Shipment:
    """Calls off whatever was booked, whether or not we know of it; returns the shipment, off.

    A rejected one stays REJECTED. Raises CarrierUnavailable, CircuitOpen, StorageContention.
    """
    shipment = repository.find(task.order_id)
    if shipment is None:
        # Where a booking began meanwhile, its shipment is what stands, and is called off below.
        shipment = repository.create(domain.tombstone(task.order_id, at))
    if shipment.is_off:
        return shipment
    booking = carrier.cancel(task.order_id)
    cancelled = domain.cancel(shipment, booking, at)
    reports = []
    if booking is not None:
        if shipment.status is ShipmentStatus.PENDING:
            # The reply was lost, so no event has reported the booking yet.
            created = event_of("ShipmentCreated", cancelled, booking.booked_at, task)
            reports.append(created)
        reports.append(event_of("ShipmentCancelled", cancelled, at, task))
    repository.update(shipment, cancelled, reports)
    return cancelled


def erase_address(repository: ShipmentTable, order_id: str, at: datetime) -> None:
    """Erases the address of an ended order's shipment, if any. Raises StorageContention."""
    shipment = repository.find(order_id)
    if shipment is None:
        return
    erased = domain.without_address(shipment, at)
    if erased != shipment:
        repository.update(shipment, erased, [])
