"""What the use cases need of storage; `repository.StockTable` is the one that DynamoDB backs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from inventory.domain import Product, Reservation
from shared.events import DomainEvent
from shared.storage import Repository


class StockChanged(Exception):
    """Products were not, at the moment of the write, what the reservation had been decided on.

    `products` holds them as they were at that moment, by SKU; None for one that was gone.
    """

    def __init__(self, products: Mapping[str, Product | None]) -> None:
        super().__init__(f"changed meanwhile: {', '.join(sorted(products))}")
        self.products = products


class StockRepository(Repository[Reservation], Protocol):
    """The catalogue and the reservations. Writing a reservation moves its units in the same step.

    The writes raise StockContention where the table was busy.
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

    def create(self, row: Reservation, events: Sequence[DomainEvent] = ()) -> Reservation:
        """See `Repository.create`; raises StockChanged too."""
        ...

    def update(
        self, before: Reservation, after: Reservation, events: Sequence[DomainEvent]
    ) -> None:
        """See `Repository.update`.

        A shelf that holds fewer units than the reservation says raises ConditionFailed: the
        counters are wrong, which no retry fixes.
        """
        ...
