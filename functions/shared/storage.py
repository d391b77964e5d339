"""How a service stores its one row for each order: the order, a payment, a shipment, …

    <ENTITY>#<order_id>  <ENTITY>                  the row: its fields, `version`, `unsettled`
    <ENTITY>#<order_id>  EVENT#<time>#<event id>   the outbox: see `shared.outbox`
    SWEEP                SWEEP                     where the last sweep stopped: `shared.rounds`

A row is created once and replaced only by a writer that read its latest version. Its events are
written in the same transaction.

Every write marks the row as `unsettled`, until a sweep has checked it: see `shared.sweeping`. The
marked rows are in the sparse index of that name, ordered by `updated_at`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from shared import dynamodb, outbox, settings
from shared.clock import to_iso
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    to_item,
    transact_write,
    typed_failures,
)
from shared.errors import StorageContention
from shared.events import DomainEvent
from shared.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# All marked rows are in one partition of the index.
_MARK = "Y"
# Later than any change of a row.
_ALWAYS = datetime.max.replace(tzinfo=UTC)
_CURSOR = to_item({"pk": "SWEEP", "sk": "SWEEP"})


@dataclass(frozen=True)
class _Settings:
    table_name: str


def own_table() -> str:
    """Returns the name of the table that belongs to the function's service."""
    return settings.load(_Settings).table_name


class Row(Protocol):
    """What a service keeps of an order: an immutable value, with a status in the service's words.

    `updated_at` is when it was last written, `version` how often.
    """

    @property
    def order_id(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def updated_at(self) -> datetime: ...

    @property
    def version(self) -> int: ...


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A row's place in the index of marked rows, with the time as the index has it."""

    updated_at: str
    order_id: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A marked row that no `Row` can be made of; `error` is the type of the exception."""

    position: Position
    error: str

    @property
    def order_id(self) -> str:
        return self.position.order_id


def position_of(row: Row | Unreadable) -> Position:
    """Returns where the index has a row."""
    if isinstance(row, Unreadable):
        return row.position
    return Position(to_iso(row.updated_at), row.order_id)


def _check(row: Any) -> None:
    """Raises TypeError for a row without what every reader relies on."""
    types = {"order_id": str, "status": str, "updated_at": datetime, "version": int}
    if wrong := [name for name, of in types.items() if not isinstance(getattr(row, name), of)]:
        raise TypeError(f"of another type: {', '.join(wrong)}")


class Table[R: Row](ABC):
    """A service's rows, one per order. Every method may raise StorageContention.

    A service adds its entity's name and the mapping.
    """

    entity: ClassVar[str]

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    @abstractmethod
    def _to_item(self, row: R) -> Item:
        """Returns all of the row's attributes but the key and the mark."""

    @abstractmethod
    def _from_item(self, item: Item) -> R:
        """Returns the row that an item holds."""

    def _is_settled(self, row: R) -> bool:
        """Returns whether a row is written without the mark."""
        return False

    def find(self, order_id: str) -> R | None:
        """Returns the order's row as it is now."""
        item = dynamodb.get_row(self._dynamodb, self._table, self._key(order_id))
        return self._from_item(item) if item else None

    def find_all(self, order_ids: Sequence[str]) -> list[R]:
        """Returns the rows of those of the orders that have one, as they are now."""
        rows = (self.find(order_id) for order_id in dict.fromkeys(order_ids))
        return [row for row in rows if row is not None]

    def create(self, row: R, events: Sequence[DomainEvent] = ()) -> R:
        """Writes an order's first row and its events, all or nothing.

        Returns the row that then stands: the given one, or the one that was there before.
        """
        try:
            self._write(None, row, events)
        except ConditionFailed as refused:
            if existing := refused.failed.get(0):
                return self._from_item(existing)
            raise
        return row

    def update(
        self,
        before: R,
        after: R,
        events: Sequence[DomainEvent],
        more: Sequence["TransactWriteItemTypeDef"] = (),
    ) -> None:
        """Replaces `before` by `after`, appends the events, and writes `more`, all or nothing.

        Raises StorageContention also where the row is no longer what `before` says.
        """
        try:
            self._write(before, after, events, more)
        except ConditionFailed as refused:
            if 0 in refused.failed:
                raise StorageContention("another step changed the row") from refused
            raise

    def unsettled(
        self, before: datetime = _ALWAYS, after: Position | None = None
    ) -> Iterator[R | Unreadable]:
        """Yields the marked rows that nothing has touched since `before`, the oldest first.

        With `after`, only those that follow that place. They may be a moment old: decide on what
        `find` returns.
        """
        start: dict[str, Any] = {}
        if after is not None:
            if after.updated_at >= to_iso(before):
                # DynamoDB refuses to start where the query has ended: the last sweep's `before`
                # may have been later.
                return iter(())
            place = {"unsettled": _MARK, "updated_at": after.updated_at}
            start["ExclusiveStartKey"] = self._key(after.order_id) | to_item(place)
        items = dynamodb.query_items(
            self._dynamodb,
            self._table,
            "unsettled = :mark AND updated_at < :before",
            {":mark": _MARK, ":before": to_iso(before)},
            IndexName="unsettled",
            **start,
        )
        return map(self._read, items)

    def cursor(self) -> Position | None:
        """Returns where the last sweep stopped; None where it reached the end."""
        row = dynamodb.get_row(self._dynamodb, self._table, _CURSOR)
        return Position(**row["position"]) if row and row["position"] else None

    def move_cursor(self, position: Position | None) -> None:
        """Stores where a sweep stopped; None where it reached the end."""
        row = {"entity": "sweep", "position": asdict(position) if position else None}
        with typed_failures():
            self._dynamodb.put_item(TableName=self._table, Item=_CURSOR | to_item(row))

    def settle(self, row: R) -> None:
        """Removes the mark; the next write sets it again.

        Raises StorageContention also where the row is no longer what `row` says.
        """
        try:
            with typed_failures():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(row.order_id),
                    UpdateExpression="REMOVE unsettled",
                    ConditionExpression="version = :version",
                    ExpressionAttributeValues=to_item({":version": row.version}),
                )
        except ConditionFailed as refused:
            raise StorageContention("another step changed the row") from refused

    def _read(self, attributes: Mapping[str, Any]) -> R | Unreadable:
        """Returns a marked row from its wire format."""
        key = attributes["pk"]["S"]
        try:
            row = self._from_item(from_item(attributes))
            _check(row)
        except Exception as exc:
            # A row may be wrong in any way, and must not keep its readers from the rows after it.
            error = type(exc).__name__
            logger.error("row is unreadable", key=key, error=error)
            order_id = key.removeprefix(f"{self.entity}#")
            return Unreadable(Position(attributes["updated_at"]["S"], order_id), error)
        return row

    def _write(
        self,
        before: R | None,
        after: R,
        events: Sequence[DomainEvent],
        more: Sequence["TransactWriteItemTypeDef"] = (),
    ) -> None:
        """Writes the row, in the first place of the transaction, then `more`, then the events."""
        partition = f"{self.entity}#{after.order_id}"
        mark = {} if self._is_settled(after) else {"unsettled": _MARK}
        put: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": self._key(after.order_id) | to_item({**self._to_item(after), **mark}),
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }
        if before is not None:
            put["Put"]["ConditionExpression"] = "version = :before"
            put["Put"]["ExpressionAttributeValues"] = to_item({":before": before.version})
        others = [
            *more,
            *(outbox.put(self._table, partition, event) for event in events),
        ]
        if others:
            transact_write(self._dynamodb, [put, *others])
        else:
            # A transaction costs twice as much.
            with typed_failures():
                self._dynamodb.put_item(**put["Put"])

    def _key(self, order_id: str) -> dict[str, Any]:
        return to_item({"pk": f"{self.entity}#{order_id}", "sk": self.entity})
