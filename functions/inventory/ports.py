"""What the use cases need of storage; `repository.StockTable` is the one that DynamoDB backs."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from inventory.domain import Product, Reservation
from shared.events import DomainEvent


class StockChanged(Exception):
    """Products were not, at the moment of the write, what the reservation had been decided on.

    `products` holds them as they were at that moment, by SKU; None for one that was gone.
    """

    def __init__(self, products: Mapping[str, Product | None]) -> None:
        super().__init__(f"changed meanwhile: {', '.join(sorted(products))}")
        self.products = products


class StockRepository(Protocol):
    """Products and reservations. Every write is one transaction: all of it happens, or nothing."""

    def read(
        self, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation | None, dict[str, Product]]:
        """Returns the order's reservation and those of the products that exist, by SKU."""
        ...

    def find(self, order_id: str) -> Reservation | None:
        """Returns the order's reservation."""
        ...

    def create(self, reservation: Reservation, event: DomainEvent | None) -> Reservation:
        """Writes an order's first reservation, moves its units and appends the event.

        Returns the reservation that stands: the given one, or the one that another delivery of the
        step wrote before. Raises StockChanged, or StockContention where the table was busy.
        """
        ...

    def update(self, before: Reservation, after: Reservation, event: DomainEvent) -> None:
        """Replaces `before` by `after`, moves its units and appends the event.

        Raises StorageContention where the reservation is no longer what `before` says, and
        StockContention where the table was busy.
        """
        ...

    def unsettled(self, before: datetime) -> Iterator[Reservation]:
        """Yields what has yet to be checked against its order and rests since `before`."""
        ...

    def settle(self, reservation: Reservation) -> None:
        """Notes that there is nothing left to check, until the reservation changes again.

        Raises StorageContention also where it is no longer what `reservation` says.
        """
        ...
