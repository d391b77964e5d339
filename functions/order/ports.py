"""What the use cases need of storage; DynamoDB backs it in `repository.OrderRepository`."""

from collections.abc import Sequence
from typing import Protocol

from order.domain import Change, Order, Placement, Status
from shared.events import PublishedEvent


class Orders(Protocol):
    """The orders and their logs. Every method may raise StorageContention."""

    def add(self, change: Change, placement: Placement | None) -> Placement | None:
        """Stores a new order with its event and its idempotency key, all or nothing.

        Returns None, or the placement that used the same key before: then nothing was stored.
        """
        ...

    def get(self, order_id: str) -> Order:
        """Returns an order as it is now; raises NotFound."""
        ...

    def save(self, before: Order, change: Change) -> None:
        """Stores a decision on `before` with its event; nothing where nothing changed.

        Raises StorageContention also where the order is no longer what `before` says.
        """
        ...

    def statuses(self, order_ids: Sequence[str]) -> dict[str, Status]:
        """Returns the status of each of these orders (at most 100) that there is."""
        ...

    def unsettled(self) -> Sequence[Order]:
        """Returns the orders for which something is left to do, the longest untouched first.

        They may be a moment old: decide on what `get` returns.
        """
        ...

    def log(self, event: PublishedEvent) -> None:
        """Appends another service's event to its order's log, once however often it comes."""
        ...

    def events(self, order_id: str) -> list[PublishedEvent]:
        """Returns the order's log in the order of time; raises NotFound."""
        ...
