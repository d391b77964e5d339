"""The shipments' table.

SHIPMENT#<order_id>  SHIPMENT   order_id, shipment_id, status, address, carrier, tracking_number,
                                booked_at, reject_reason, version, created_at, updated_at, unsettled

`shared.storage` says how it is read and written.
"""

from dataclasses import asdict

from shared.clock import from_iso, to_iso
from shared.dynamodb import Item
from shared.storage import Table
from shipping.domain import Address, Booking, Shipment, ShipmentStatus


class ShipmentTable(Table[Shipment]):
    """The shipments, one per order."""

    entity = "SHIPMENT"

    def _to_item(self, row: Shipment) -> Item:
        booking = row.booking
        return {
            "order_id": row.order_id,
            "shipment_id": row.shipment_id,
            "status": row.status.value,
            "address": asdict(row.address) if row.address else None,
            "carrier": booking.carrier if booking else None,
            "tracking_number": booking.tracking_number if booking else None,
            "booked_at": to_iso(booking.booked_at) if booking else None,
            "reject_reason": row.reject_reason,
            "version": row.version,
            "created_at": to_iso(row.created_at),
            "updated_at": to_iso(row.updated_at),
        }

    def _from_item(self, item: Item) -> Shipment:
        booked_at = item["booked_at"]
        return Shipment(
            order_id=item["order_id"],
            shipment_id=item["shipment_id"],
            status=ShipmentStatus(item["status"]),
            address=Address(**item["address"]) if item["address"] else None,
            created_at=from_iso(item["created_at"]),
            updated_at=from_iso(item["updated_at"]),
            booking=Booking(item["carrier"], item["tracking_number"], from_iso(booked_at))
            if booked_at
            else None,
            reject_reason=item["reject_reason"],
            version=item["version"],
        )
