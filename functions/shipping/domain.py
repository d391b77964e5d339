"""The rules of a shipment: booked once, called off at any moment, never booked after that.

    PENDING ──> CREATED ──> CANCELLED    the carrier took it, and later gave it back
       ├──────> REJECTED                 the carrier refused
       └──────> CANCELLED                called off before we knew what the carrier said

A shipment that is called off before it began starts as CANCELLED: the tombstone that a late booking
meets. Nothing here does I/O or knows of AWS.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.errors import ShipmentRejected, StepAlreadyUndone
from shared.ids import derived_id


class ShipmentStatus(StrEnum):
    """Where a shipment stands; REJECTED and CANCELLED are final."""

    PENDING = "PENDING"
    CREATED = "CREATED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Address:
    street: str
    city: str
    state: str
    zip_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Booking:
    """The carrier's confirmation that it takes the parcel, with its tracking number."""

    carrier: str
    tracking_number: str
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class Shipment:
    """The one shipment of an order; `version` counts its changes.

    A tombstone has no address, nor has a shipment whose customer wanted it erased. `booking` stays
    when the shipment is cancelled.
    """

    order_id: str
    shipment_id: str
    status: ShipmentStatus
    address: Address | None
    created_at: datetime
    updated_at: datetime
    booking: Booking | None = None
    reject_reason: str | None = None
    version: int = 1

    @property
    def is_tombstone(self) -> bool:
        """Whether it was called off before it began, as far as it tells."""
        is_known = self.address is not None or self.booking is not None
        return self.status is ShipmentStatus.CANCELLED and not is_known

    @property
    def is_off(self) -> bool:
        """Whether there is nothing left to call off."""
        return self.status in (ShipmentStatus.REJECTED, ShipmentStatus.CANCELLED)

    def require_created(self) -> None:
        """Raises ShipmentRejected or StepAlreadyUndone where the shipment ended so."""
        if self.status is ShipmentStatus.REJECTED:
            raise ShipmentRejected(self.reject_reason)
        if self.status is ShipmentStatus.CANCELLED:
            raise StepAlreadyUndone(f"the shipment of {self.order_id} was called off")


def begin(order_id: str, address: Address, at: datetime) -> Shipment:
    return Shipment(order_id, derived_id("shp", order_id), ShipmentStatus.PENDING, address, at, at)


def tombstone(order_id: str, at: datetime) -> Shipment:
    """Returns the shipment of an order that was undone before its shipment began."""
    return Shipment(order_id, derived_id("shp", order_id), ShipmentStatus.CANCELLED, None, at, at)


def first_answer(shipment: Shipment) -> Shipment | None:
    """Returns the outcome of a booking; None where it is still open.

    Raises ShipmentRejected again where it was refused, StepAlreadyUndone where it was called off.
    """
    shipment.require_created()
    return shipment if shipment.status is ShipmentStatus.CREATED else None


def create(shipment: Shipment, booking: Booking, at: datetime) -> Shipment:
    return replace(_changed(shipment, ShipmentStatus.CREATED, at), booking=booking)


def reject(shipment: Shipment, reason: str, at: datetime) -> Shipment:
    return replace(_changed(shipment, ShipmentStatus.REJECTED, at), reject_reason=reason)


def cancel(shipment: Shipment, booking: Booking | None, at: datetime) -> Shipment:
    """Returns the shipment called off; `booking` is what the carrier had taken of it.

    Raises ValueError where the carrier knows nothing of a shipment that it took.
    """
    if booking is None and shipment.status is ShipmentStatus.CREATED:
        raise ValueError(f"the carrier knows nothing of {shipment.order_id}'s shipment")
    return replace(_changed(shipment, ShipmentStatus.CANCELLED, at), booking=booking)


def without_address(shipment: Shipment, at: datetime) -> Shipment:
    """Returns the shipment without its customer's address; nothing else of it changes."""
    if shipment.address is None:
        return shipment
    return replace(_changed(shipment, shipment.status, at), address=None)


def _changed(shipment: Shipment, status: ShipmentStatus, at: datetime) -> Shipment:
    return replace(shipment, status=status, updated_at=at, version=shipment.version + 1)
