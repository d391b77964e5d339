"""What the saga sends the service."""

from dataclasses import dataclass
from typing import Self

from shared.fields import Fields
from shared.tasks import Task
from shipping.domain import Address, Item


@dataclass(frozen=True, slots=True)
class CreateShipment:
    """Have the order's units delivered: `{"shipping_address", "items": [{"sku", "quantity"}]}`."""

    task: Task
    address: Address
    items: tuple[Item, ...]

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
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
