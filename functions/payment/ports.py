"""What the use cases need of storage; `repository.PaymentTable` is the one that DynamoDB backs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from payment.domain import Payment
from shared.events import DomainEvent


class PaymentRepository(Protocol):
    """The payments, one per order. Every method may raise StorageContention."""

    def find(self, order_id: str) -> Payment | None:
        """Returns the order's payment."""
        ...

    def create(self, payment: Payment) -> Payment:
        """Writes an order's payment where it has none; returns the one that then stands."""
        ...

    def update(self, before: Payment, after: Payment, events: Sequence[DomainEvent]) -> None:
        """Replaces `before` by `after` and appends the events, all or nothing.

        Raises StorageContention also where the payment is no longer what `before` says.
        """
        ...

    def unsettled(self, before: datetime) -> Iterator[Payment]:
        """Yields what has yet to be checked against its order and rests since `before`."""
        ...

    def settle(self, payment: Payment) -> None:
        """Notes that there is nothing left to check, until the payment changes again.

        Raises StorageContention also where it is no longer what `payment` says.
        """
        ...
