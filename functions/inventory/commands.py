"""What the saga sends the service."""

from dataclasses import dataclass
from typing import Self

from inventory.domain import MAX_SKUS, OrderLine
from shared.fields import Fields
from shared.tasks import Task


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Set the items' units aside: `{"items": [{"sku", "quantity"}]}`."""

    task: Task
    lines: tuple[OrderLine, ...]

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        items = fields.objects("items", maximum=MAX_SKUS)
        return cls(
            task,
            tuple(
                OrderLine(item.text("sku"), item.integer("quantity", minimum=1)) for item in items
            ),
        )
