"""The order table in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from types import MappingProxyType

from order.domain import Change, Order, Status
from order.limits import Cap, Caps, units_of
from order.repository import IDEMPOTENCY_LIFETIME, CapReached
from order.requests import Page
from shared.errors import InvalidToken, NotFound, StorageContention
from shared.events import DomainEvent, PublishedEvent
from support.event_schemas import validate
from unit.fakes import FakeCursor


@dataclass
class FakeOrders(FakeCursor):
    """A `OrderRepository`; test_order_repository.py holds it to the same rules as the real one.

    `outbox` holds the orders' own events in the order in which they were written.
    """

    outbox: list[DomainEvent] = field(default_factory=list)
    _orders: dict[str, Order] = field(default_factory=dict)
    _placements: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _closed: dict[str, datetime] = field(default_factory=dict)
    _logged: list[PublishedEvent] = field(default_factory=list)

    def add(self, change: Change, key: str | None, caps: Caps = MappingProxyType({})) -> str:
        """See `OrderRepository.add`."""
        order = replace(change.order, unpaid_of=tuple(caps))
        placed = None if key is None else self.placed_under(key, order.created_at)
        if placed is not None:
            return placed
        self._check_account(order)
        self._check_caps(order, caps)
        if key is not None:
            self._placements[key] = (order.order_id, order.created_at + IDEMPOTENCY_LIFETIME)
        if order.order_id not in self._orders:
            self._write(replace(change, order=order))
        return order.order_id

    def placed_under(self, key: str, at: datetime) -> str | None:
        """See `OrderRepository.placed_under`."""
        placed, expires_at = self._placements.get(key, (None, at))
        return placed if at <= expires_at else None

    def owned_by(self, account_id: str, page: Page) -> list[Order]:
        """See `OrderRepository.owned_by`."""
        owned = islice(self.owned_ids(account_id, page.before), page.limit + 1)
        return [self._orders[order_id] for order_id in owned]

    def owned_ids(self, account_id: str, before: str | None = None) -> Iterator[str]:
        """See `OrderRepository.owned_ids`."""
        for order_id in sorted(self._orders, reverse=True):
            owned = self._orders[order_id].account_id == account_id
            if owned and (before is None or order_id < before):
                yield order_id

    def close_account(self, account_id: str, at: datetime) -> None:
        """See `OrderRepository.close_account`."""
        self._closed[account_id] = at

    def closed_accounts(self) -> dict[str, datetime]:
        """See `OrderRepository.closed_accounts`."""
        return dict(self._closed)

    def forget_account(self, account_id: str) -> None:
        """See `OrderRepository.forget_account`."""
        del self._closed[account_id]

    def unpaid(self, caller: str) -> Cap:
        """How many orders, and units of them, count as a caller's unpaid ones."""
        counted = [
            order
            for order in self._orders.values()
            if caller in order.unpaid_of and order.is_unpaid
        ]
        return Cap(len(counted), sum(units_of(order.lines) for order in counted))

    def find(self, order_id: str) -> Order | None:
        """See `OrderRepository.find`."""
        return self._orders.get(order_id)

    def get(self, order_id: str) -> Order:
        """See `OrderRepository.get`."""
        if order_id not in self._orders:
            raise NotFound("There is no such order.", code="ORDER_NOT_FOUND")
        return self._orders[order_id]

    def save(self, before: Order, change: Change) -> None:
        """See `OrderRepository.save`."""
        if change.order == before:
            return
        if self._orders[before.order_id].version != before.version:
            raise StorageContention(f"order {before.order_id} was changed meanwhile")
        self._write(change)

    def statuses(self, order_ids: Sequence[str]) -> dict[str, Status]:
        """See `OrderRepository.statuses`."""
        return {each: self._orders[each].status for each in order_ids if each in self._orders}

    def unsettled(self) -> list[Order]:
        """See `OrderRepository.unsettled`."""
        unsettled = [
            order
            for order in self._orders.values()
            if not order.status.is_final or order.is_to_be_anonymized
        ]
        return sorted(unsettled, key=lambda order: order.updated_at)

    def log(self, event: PublishedEvent) -> None:
        """See `OrderRepository.log`."""
        if event not in self._logged:
            self._logged.append(event)

    def events(self, order_id: str) -> list[PublishedEvent]:
        """See `OrderRepository.events`."""
        self.get(order_id)
        own = [each.published() for each in self.outbox]
        return sorted(
            (event for event in own + self._logged if event.ids["order_id"] == order_id),
            key=lambda event: (event.metadata["occurred_at"], event.metadata["event_id"]),
        )

    def _check_account(self, order: Order) -> None:
        if order.account_id in self._closed:
            raise InvalidToken("The account has been deleted.")

    def _check_caps(self, order: Order, caps: Caps) -> None:
        for caller, cap in caps.items():
            have, units = self.unpaid(caller), units_of(order.lines)
            if have.orders + 1 > cap.orders or have.units + units > cap.units:
                raise CapReached(order.order_id)

    def _write(self, change: Change) -> None:
        self._orders[change.order.order_id] = change.order
        if change.event is not None:
            validate(change.event.type, change.event.envelope())
            self.outbox.append(change.event)
