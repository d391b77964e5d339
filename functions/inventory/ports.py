"""What the use cases need of storage; `repository.StockTable` is the one that DynamoDB backs."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from inventory.domain import Product, Reservation
from shared.storage import Repository


class StockChanged(Exception):
    """Products were not, at the moment of the write, what the reservation had been decided on.

    `products` holds them as they were at that moment, by SKU; None for one that was gone.
    """

    def __init__(self, products: Mapping[str, Product | None]) -> None:
        super().__init__(f"changed meanwhile: {', '.join(sorted(products))}")
        self.products = products


class StockRepository(Repository[Reservation], Protocol):
    """The catalogue and the reservations. Writing a reservation moves its units, all or nothing.

    `create` also raises StockChanged. Both writes raise StockContention where the table was busy.
    `update` raises ConditionFailed where a shelf holds fewer units than the reservation says: the
    counters are wrong, which no retry fixes.
    """

    def products(self) -> list[Product]:
        """Returns the whole catalogue, sorted by SKU."""
        ...

    def product(self, sku: str) -> Product | None:
        """Returns one product."""
        ...

    def read(
        self, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation | None, dict[str, Product]]:
        """Returns the order's reservation and those of the products that exist, by SKU."""
        ...
