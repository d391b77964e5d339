"""What the use cases need of storage; `repository.ShipmentTable` is the one that DynamoDB backs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.events import DomainEvent
from shipping.domain import Shipment


class ShipmentRepository(Protocol):
    """The shipments, one per order. Every method may raise StorageContention."""

    def find(self, order_id: str) -> Shipment | None:
        """Returns the order's shipment."""
        ...

    def create(self, shipment: Shipment) -> Shipment:
        """Writes an order's shipment where it has none; returns the one that then stands."""
        ...

    def update(self, before: Shipment, after: Shipment, events: Sequence[DomainEvent]) -> None:
        """Replaces `before` by `after` and appends the events, all or nothing.

        Raises StorageContention also where the shipment is no longer what `before` says.
        """
        ...

    def unsettled(self, before: datetime) -> Iterator[Shipment]:
        """Yields what has yet to be checked against its order and rests since `before`."""
        ...

    def settle(self, shipment: Shipment) -> None:
        """Notes that there is nothing left to check, until the shipment changes again.

        Raises StorageContention also where it is no longer what `shipment` says.
        """
        ...
