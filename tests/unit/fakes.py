"""Storage in memory, which test_storage.py and test_ledger.py hold to the rules of the real one."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from shared import outbox
from shared.dynamodb import Item, from_item, to_item
from shared.errors import StorageContention
from shared.events import DomainEvent
from shared.ledger import Call
from shared.limits import Limit
from shared.storage import Position, Row, Unreadable, position_of
from support.event_schemas import validate


class FakeCursor:
    """Where the last sweep stopped."""

    position: Position | None = None

    def cursor(self) -> Position | None:
        """See `Table.cursor`."""
        return self.position

    def move_cursor(self, position: Position | None) -> None:
        """See `Table.move_cursor`."""
        self.position = position


class FakeLimiter:
    """A `limits.Limiter` that counts nothing and lets everybody through."""

    def count(self, limit: Limit, caller: str, at: datetime) -> None:
        """See `Limiter.count`."""


class FakeRepository[R: Row](FakeCursor):
    """A `storage.Table`."""

    def __init__(self) -> None:
        self._rows: dict[str, R] = {}
        self._marked: set[str] = set()
        self.outbox: list[DomainEvent] = []

    def find(self, order_id: str) -> R | None:
        """See `Table.find`."""
        return self._rows.get(order_id)

    def find_all(self, order_ids: Sequence[str]) -> list[R]:
        """See `Table.find_all`."""
        return [self._rows[each] for each in dict.fromkeys(order_ids) if each in self._rows]

    def create(self, row: R, events: Sequence[DomainEvent] = ()) -> R:
        """See `Table.create`."""
        if existing := self._rows.get(row.order_id):
            return existing
        self._write(None, row, events)
        return row

    def update(self, before: R, after: R, events: Sequence[DomainEvent]) -> None:
        """See `Table.update`."""
        self._require(before)
        self._write(before, after, events)

    def unsettled(
        self, before: datetime, after: Position | None = None
    ) -> Iterator[R | Unreadable]:
        """See `Table.unsettled`; every row in memory is readable."""
        marked = [self._rows[order_id] for order_id in self._marked]
        resting = [row for row in marked if row.updated_at < before]
        ahead = [row for row in resting if after is None or position_of(row) > after]
        return iter(sorted(ahead, key=position_of))

    def settle(self, row: R) -> None:
        """See `Table.settle`."""
        self._require(row)
        self._marked.discard(row.order_id)

    def is_marked(self, order_id: str) -> bool:
        """Whether a sweep has yet to check the order's row."""
        return order_id in self._marked

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Returns the outbox: `[(type, detail)]`, in the order of the table.

        Every event is checked against its JSON Schema on the way.
        """
        published = sorted((each.published() for each in self.outbox), key=outbox.sort_key)
        events = [(event.type, dict(event.detail)) for event in published]
        for event_type, detail in events:
            validate(event_type, detail)
        return events

    def _require(self, row: R) -> None:
        current = self._rows.get(row.order_id)
        if current is None or current.version != row.version:
            raise StorageContention("another step changed the row")

    def _write(self, before: R | None, after: R, events: Sequence[DomainEvent]) -> None:
        self._rows[after.order_id] = after
        self._marked.add(after.order_id)
        self.outbox.extend(events)


class Interrupted:
    """A repository on which something else happens before it writes."""

    def __init__(
        self, repository: object, interruption: Callable[[], object], *writes: str
    ) -> None:
        self._repository = repository
        self._interruption = interruption
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._repository, name)

        def interrupted(*arguments: Any) -> Any:
            self._interruption()
            return method(*arguments)

        return interrupted if name in self._writes else method


class FakeLedger:
    """A `ledger.Ledger`; tests read and change its `rows` as an operator might."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.calls: list[tuple[str, str, Item | None]] = []
        """Each call with its outcome, and its effect; None where it had none."""

    def read(self, key: str) -> Item:
        """See `Ledger.read`."""
        return dict(self.rows.get(key, {}))

    def write(self, key: str, values: Item, call: Call, over: Collection[str] = ()) -> Item:
        """See `Ledger.write`."""
        row = self.rows.setdefault(key, {})
        if "status" not in row or row["status"] in over:
            row.update(from_item(to_item(values)))
            self.calls.append((call.name, call.outcome, from_item(to_item(call.effect))))
        else:
            self.record(key, call.name, "REPEATED")
        return dict(row)

    def record(self, key: str, name: str, outcome: str) -> None:
        """See `Ledger.record`."""
        self.calls.append((name, outcome, None))
