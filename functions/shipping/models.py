"""What crosses the service's border: the saga's commands and results, and the API's answer."""

from dataclasses import asdict, dataclass
from typing import Any, Self

from shared.clock import to_iso
from shared.fields import Fields
from shared.tasks import Task
from shipping.domain import Address, Item, Shipment


@dataclass(frozen=True, slots=True)
class CreateShipment:
    """Have the order's units delivered: `{"shipping_address", "items": [{"sku", "quantity"}]}`."""

    task: Task
    address: Address
    items: tuple[Item, ...]

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads the payload; see `shared.tasks.Command`."""
        address = fields.object("shipping_address")
        return cls(
            task,
            Address(
                street=address.text("street"),
                city=address.text("city"),
                state=address.text("state"),
                zip_code=address.text("zip_code"),
                country=address.text("country"),
            ),
            tuple(
                Item(sku=item.text("sku"), quantity=item.integer("quantity", minimum=1))
                for item in fields.objects("items")
            ),
        )


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


def shipment_answer(shipment: Shipment) -> dict[str, Any]:
    """Returns the shipment as the API shows it.

    `{"order_id", "shipment_id", "status", "carrier", "tracking_number", "address": {"street",
    "city", "state", "zip_code", "country"}, "created_at", "updated_at"}`
    """
    return {
        "order_id": shipment.order_id,
        **shipment_result(shipment),
        "address": asdict(shipment.address) if shipment.address else None,
        "created_at": to_iso(shipment.created_at),
        "updated_at": to_iso(shipment.updated_at),
    }
