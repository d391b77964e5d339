"""The order table: orders, their events, and the idempotency keys under which they were placed.

    pk ORDER#<order_id>    sk ORDER                             the order
    pk ORDER#<order_id>    sk EVENT#<occurred_at>#<event_id>    one event of its log
    pk IDEMPOTENCY#<key>   sk IDEMPOTENCY                       which order a key placed, for a day
    pk CLOSED_ACCOUNT      sk <account_id>                      an account whose orders are erased
    pk UNPAID#<digest>     sk UNPAID                            a caller's unpaid orders: how many,
                                                                and units: see `order.limits`
    pk LIMIT#…             sk LIMIT                             how often a caller ordered: see
                                                                `shared.limits`

The index `owned` has the orders of each account by their ids, and so by the time. The index
`unsettled` holds the orders for which something is left to do, by their last change: the sweeper
and the operators read it instead of the table.

An event of the order's own is an outbox row, which the relay publishes; an event of another service
is a `logged_event` row, which the relay ignores.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from order.domain import (
    ORDER_ID_PREFIX,
    Address,
    Change,
    Failure,
    Line,
    Order,
    Parked,
    Payment,
    PaymentWindow,
    Reason,
    ReasonCode,
    Shipment,
    Status,
)
from order.limits import Cap, Caps, units_of
from order.requests import Page
from shared import clock, ids, outbox
from shared.contention import patiently
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    get_row,
    query_rows,
    to_item,
    typed_failures,
)
from shared.errors import InvalidToken, NotFound
from shared.events import PublishedEvent
from shared.logging import logger
from shared.storage import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

IDEMPOTENCY_LIFETIME = timedelta(days=1)
_ORDER = "ORDER"
_IDEMPOTENCY = "IDEMPOTENCY"
_LOGGED = "logged_event"
_CLOSED = "CLOSED_ACCOUNT"
_UNPAID = "UNPAID"
# Much longer than any order is unpaid: a row that has not changed for so long counts none.
_UNPAID_LIFETIME = timedelta(days=30)


class CapReached(Exception):
    """A caller's unpaid orders do not leave room for another one; nothing was stored."""


class OrderRepository(Table[Order]):
    """The orders and their logs. Every method may raise StorageContention."""

    entity = _ORDER

    def add(self, change: Change, key: str | None, caps: Caps = MappingProxyType({})) -> str:
        """Stores a new order with its event, under its idempotency key if any, all or nothing.

        Returns the id of the order that the request placed: the new one, or the one that was placed
        under the same key before; then nothing was stored. Nor is it where a caller's cap does not
        allow one more unpaid order, or where the account was deleted: raises CapReached, or
        InvalidToken.
        """
        order = replace(change.order, unpaid_of=tuple(caps))
        events = [change.event] if change.event else []
        more = [
            *([] if key is None else [self._put_placement(key, order)]),
            *([] if order.account_id is None else [self._account_is_open(order.account_id)]),
        ]
        counts = [self._count_unpaid(order, caller, cap) for caller, cap in caps.items()]
        try:
            patiently(lambda: self._write(None, order, events, [*more, *counts]))
        except ConditionFailed as exc:
            # Either may be this very order: an earlier attempt wrote it, and its answer was lost.
            # The id is new, so what is found under it cannot be another order.
            placed = exc.failed.get(0 if key is None else 1)
            if placed is not None:
                order_id: str = placed["order_id"]
                return order_id
            if max(exc.failed) > len(more):
                raise CapReached(order.order_id) from exc
            if order.account_id is None:
                raise
            raise InvalidToken("The account has been deleted.") from exc
        return order.order_id

    def placed_under(self, key: str, at: datetime) -> str | None:
        """Returns the id of the order that was placed under an idempotency key, valid at `at`."""
        row = get_row(self._dynamodb, self._table, to_item(_placement_key(key)))
        if row is None or row["expires_at"] < int(at.timestamp()):
            return None
        order_id: str = row["order_id"]
        return order_id

    def get(self, order_id: str) -> Order:
        """Returns an order as it is now; raises NotFound."""
        order = self.find(order_id) if _is_sensible(order_id) else None
        if order is None:
            raise not_found()
        return order

    def owned_by(self, account_id: str, page: Page) -> list[Order]:
        """Returns an account's orders, the newest first: those of the page, and the next one."""
        return self.find_all(list(islice(self.owned_ids(account_id, page.before), page.limit + 1)))

    def owned_ids(self, account_id: str, before: str | None = None) -> Iterator[str]:
        """Yields the ids of an account's orders (with `before`, the older ones), newest first."""
        start: dict[str, Any] = {}
        if before is not None:
            place = to_item({"account_id": account_id, "order_id": before})
            start["ExclusiveStartKey"] = self._key(before) | place
        rows = query_rows(
            self._dynamodb,
            self._table,
            "account_id = :account_id",
            {":account_id": account_id},
            IndexName="owned",
            ScanIndexForward=False,
            **start,
        )
        return map(_order_id, rows)

    def close_account(self, account_id: str, at: datetime) -> None:
        """Notes that an account was deleted: from now on, it places no order."""
        row = {"entity": "closed_account", "closed_at": clock.to_iso(at)}
        with typed_failures():
            self._dynamodb.put_item(
                TableName=self._table, Item=to_item({**_closed_key(account_id), **row})
            )

    def closed_accounts(self) -> dict[str, datetime]:
        """Returns the accounts that were deleted lately, and when that was noted."""
        rows = query_rows(
            self._dynamodb, self._table, "pk = :pk", {":pk": _CLOSED}, ConsistentRead=True
        )
        return {row["sk"]: clock.from_iso(row["closed_at"]) for row in rows}

    def forget_account(self, account_id: str) -> None:
        """Forgets that an account was deleted."""
        with typed_failures():
            self._dynamodb.delete_item(TableName=self._table, Key=to_item(_closed_key(account_id)))

    def save(self, before: Order, change: Change) -> None:
        """Stores a decision on `before` with its event; nothing where nothing changed.

        An order that no longer waits for its payment then is counted no more. Raises
        StorageContention also where the order is no longer what `before` says.
        """
        if change.order == before:
            return
        ends_waiting = before.is_unpaid and not change.order.is_unpaid
        releases = [self._release(before, caller) for caller in before.unpaid_of if ends_waiting]
        self.update(before, change.order, [change.event] if change.event else [], releases)

    def statuses(self, order_ids: Sequence[str]) -> dict[str, Status]:
        """Returns the status of each of these orders (at most 100) that can be read."""
        keys = [
            self._key(order_id) for order_id in dict.fromkeys(order_ids) if _is_sensible(order_id)
        ]
        found: dict[str, Status] = {}
        while keys:
            with typed_failures():
                response = self._dynamodb.batch_get_item(
                    RequestItems={
                        self._table: {
                            "Keys": keys,
                            "ConsistentRead": True,
                            "ProjectionExpression": "order_id, #status",
                            "ExpressionAttributeNames": {"#status": "status"},
                        }
                    }
                )
            for item in response["Responses"].get(self._table) or ():
                try:
                    row = from_item(item)
                    found[row["order_id"]] = Status(row["status"])
                except (KeyError, TypeError, ValueError) as exc:
                    # One unreadable order must not stop the sweeps of all others' rows.
                    logger.error("order has no readable status", error=type(exc).__name__)
            left = response["UnprocessedKeys"].get(self._table)
            keys = [] if left is None else list(left["Keys"])
        return found

    def log(self, event: PublishedEvent) -> None:
        """Appends another service's event to its order's log, once however often it comes."""
        row = outbox.row(_partition(event.data["order_id"]), event, _LOGGED)
        try:
            with typed_failures():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=to_item(row),
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConditionFailed:
            return

    def events(self, order_id: str) -> list[PublishedEvent]:
        """Returns the order's log in the order of time; raises NotFound."""
        if not _is_sensible(order_id):
            raise not_found()
        values = {":pk": _partition(order_id)}
        rows = list(
            query_rows(self._dynamodb, self._table, "pk = :pk", values, ConsistentRead=True)
        )
        if not any(row["sk"] == _ORDER for row in rows):
            raise not_found()
        return [outbox.read(row) for row in rows if row["sk"] != _ORDER]

    def _is_settled(self, row: Order) -> bool:
        return row.status.is_final and not row.is_to_be_anonymized

    def _to_item(self, row: Order) -> Item:
        # The execution is derived, and written all the same: whoever reads the table looks for it.
        item = {**_plain(asdict(row)), "execution": row.execution, "entity": "order"}
        if row.account_id is None:
            del item["account_id"]  # the key of an index cannot be null
        return item

    def _from_item(self, item: Item) -> Order:
        """Returns the order in a row; what an older row does not have yet gets its default."""
        names = item.keys() & _ORDER_FIELDS
        return Order(**{name: _read(name, item[name]) for name in names})

    def _put_placement(self, key: str, order: Order) -> "TransactWriteItemTypeDef":
        row = {
            **_placement_key(key),
            "entity": "idempotency",
            "order_id": order.order_id,
            "expires_at": int((order.created_at + IDEMPOTENCY_LIFETIME).timestamp()),
        }
        return {
            "Put": {
                "TableName": self._table,
                "Item": to_item(row),
                # DynamoDB deletes what has expired within days, not at once.
                "ConditionExpression": "attribute_not_exists(pk) OR expires_at < :now",
                "ExpressionAttributeValues": to_item({":now": int(order.created_at.timestamp())}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _account_is_open(self, account_id: str) -> "TransactWriteItemTypeDef":
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": to_item(_closed_key(account_id)),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }

    def _count_unpaid(self, order: Order, caller: str, cap: Cap) -> "TransactWriteItemTypeDef":
        """Adds an order to a caller's unpaid ones, as far as the cap allows it."""
        units = units_of(order.lines)
        left = {":orders_left": cap.orders - 1, ":units_left": cap.units - units}
        return self._change_unpaid(
            caller,
            {":orders": 1, ":units": units, **left},
            order.created_at,
            "attribute_not_exists(orders) OR (orders <= :orders_left AND units <= :units_left)",
        )

    def _release(self, order: Order, caller: str) -> "TransactWriteItemTypeDef":
        """Takes an order from a caller's unpaid ones."""
        values = {":orders": -1, ":units": -units_of(order.lines)}
        return self._change_unpaid(caller, values, clock.now())

    def _change_unpaid(
        self, caller: str, values: Mapping[str, int], at: datetime, condition: str | None = None
    ) -> "TransactWriteItemTypeDef":
        expires = int((at + _UNPAID_LIFETIME).timestamp())
        update: Any = {
            "TableName": self._table,
            "Key": to_item({"pk": f"{_UNPAID}#{caller}", "sk": _UNPAID}),
            "UpdateExpression": "SET expires_at = :expires ADD orders :orders, units :units",
            "ExpressionAttributeValues": to_item({**values, ":expires": expires}),
        }
        if condition is not None:
            update["ConditionExpression"] = condition
        return {"Update": update}


def _partition(order_id: str) -> str:
    return f"{_ORDER}#{order_id}"


def _placement_key(key: str) -> dict[str, str]:
    return {"pk": f"{_IDEMPOTENCY}#{key}", "sk": _IDEMPOTENCY}


def _closed_key(account_id: str) -> dict[str, str]:
    return {"pk": _CLOSED, "sk": account_id}


def _order_id(row: Item) -> str:
    order_id: str = row["order_id"]
    return order_id


def _is_sensible(order_id: str) -> bool:
    """A caller may write anything into a URL, and DynamoDB refuses a key that is too long."""
    return ids.is_id(ORDER_ID_PREFIX, order_id)


def not_found() -> NotFound:
    """Returns what is raised for an order that does not exist, or that one may not know of."""
    return NotFound("There is no such order.", code="ORDER_NOT_FOUND")


def _plain(value: Any) -> Any:
    """Returns what `asdict` gave with its times written as texts."""
    match value:
        case datetime():
            return clock.to_iso(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
    return value


def _read(name: str, value: Any) -> Any:
    if value is None and name in _NULLABLE:
        return None
    return _READERS[name](value) if name in _READERS else value


_ORDER_FIELDS = {field.name for field in fields(Order)}
_NULLABLE = {field.name for field in fields(Order) if field.default is None}
# How a field is read that a row holds in another form.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "status": Status,
    "lines": lambda lines: tuple(Line(**line) for line in lines),
    "unpaid_of": tuple,
    "shipping_address": lambda address: address and Address(**address),
    "created_at": clock.from_iso,
    "updated_at": clock.from_iso,
    "payment": lambda payment: Payment(**payment),
    "reason": lambda reason: Reason(ReasonCode(reason["code"]), reason["message"]),
    "payment_window": lambda window: PaymentWindow(
        window["task_token"], clock.from_iso(window["due_at"]), window.get("asked_at", "")
    ),
    "payment_expired_at": clock.from_iso,
    "cancel_requested_at": clock.from_iso,
    "shipment": lambda shipment: Shipment(**shipment),
    "failure": lambda failure: Failure(**failure),
    "parked": lambda parked: Parked(**parked),
}
