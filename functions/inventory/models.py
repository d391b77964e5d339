"""What crosses the service's border: the saga's commands and results, and the API's answers."""

from dataclasses import dataclass
from typing import Any, Self

from inventory.domain import MAX_SKUS, OrderLine, Product, Reservation
from shared.fields import Fields
from shared.tasks import Task


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Set the items' units aside: `{"items": [{"sku", "quantity"}]}`."""

    task: Task
    lines: tuple[OrderLine, ...]

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads the payload; see `shared.tasks.Command`."""
        items = fields.objects("items", maximum=MAX_SKUS)
        return cls(
            task,
            tuple(
                OrderLine(item.text("sku"), item.integer("quantity", minimum=1)) for item in items
            ),
        )


def reservation_result(reservation: Reservation) -> dict[str, Any]:
    """Returns the saga's `$.reservation`, which is also the data of StockReserved.

    `{"lines": [{"sku", "name", "quantity", "unit_price_cents"}], "total_cents", "currency"}`
    """
    return {
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_cents": line.unit_price.cents,
            }
            for line in reservation.lines
        ],
        "total_cents": reservation.total.cents,
        "currency": reservation.total.currency,
    }


def product_answer(product: Product) -> dict[str, Any]:
    """Returns `{"sku", "name", "description", "price_cents", "currency", "available"}`."""
    return {
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price_cents": product.price.cents,
        "currency": product.price.currency,
        "available": product.available,
    }
