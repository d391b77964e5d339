"""The order table: orders, their events, and the idempotency keys under which they were placed.

    pk ORDER#<order_id>    sk ORDER                             the order
    pk ORDER#<order_id>    sk EVENT#<occurred_at>#<event_id>    one event of its log
    pk IDEMPOTENCY#<key>   sk IDEMPOTENCY                       which order a key placed, for a day

The index `unsettled` holds the orders for which something is left to do, by their last change: the
sweeper and the operators read it instead of the table.

An event of the order's own is an outbox row, which the relay publishes; one that another service
published is a `logged_event` row, which it leaves alone.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
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
    Placement,
    Reason,
    ReasonCode,
    Refund,
    Shipment,
    Status,
)
from order.timeline import LoggedEvent
from shared import clock, ids, outbox
from shared.dynamodb import ConditionFailed, from_item, to_item, transact_write, typed_failures
from shared.errors import NotFound, StorageContention

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

IDEMPOTENCY_LIFETIME = timedelta(days=1)
_ORDER = "ORDER"
_IDEMPOTENCY = "IDEMPOTENCY"
_LOGGED = "logged_event"
_UNSETTLED = "unsettled"
_YES = "Y"
_COLLISION_WAITS = (0.02, 0.04, 0.08, 0.16, 0.32)  # seconds


class OrderRepository:
    """Everything that the order service stores."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name

    def add(self, change: Change, placement: Placement | None) -> Placement | None:
        """Stores a new order with its event and its idempotency key, all or nothing.

        Returns None, or the placement that used the same key before: then nothing was stored.
        Raises StorageContention when requests under one key kept getting in each other's way.
        """
        items = [
            self._put_order(change.order, "attribute_not_exists(pk)", {}),
            *self._events(change),
        ]
        if placement is not None:
            items.insert(0, self._put_placement(placement, change.order.created_at))
        try:
            self._write_patiently(items)
        except ConditionFailed as exc:
            used = exc.failed.get(0)
            if placement is None or used is None:
                raise
            return Placement(placement.key, used["fingerprint"], used["order_id"])
        return None

    def get(self, order_id: str) -> Order:
        """Returns an order as it is now; raises NotFound."""
        _refuse_senseless(order_id)
        with typed_failures():
            response = self._dynamodb.get_item(
                TableName=self._table_name, Key=_key(order_id), ConsistentRead=True
            )
        if "Item" not in response:
            raise _not_found()
        return _order(from_item(response["Item"]))

    def save(self, before: Order, change: Change) -> None:
        """Stores a decision on `before` with its event; nothing where nothing changed.

        Raises StorageContention where the order was changed by someone else meanwhile.
        """
        if change.order == before:
            return
        items = [
            self._put_order(change.order, "version = :version", {":version": before.version}),
            *self._events(change),
        ]
        try:
            transact_write(self._dynamodb, items)
        except ConditionFailed as exc:
            raise StorageContention(f"order {before.order_id} was changed meanwhile") from exc

    def change(self, order_id: str, decide: Callable[[Order], Change]) -> Order:
        """Decides on an order as it is and stores that; decides again if it changed meanwhile.

        Returns the order as it is then. What `decide` raises flies. Raises NotFound, and
        StorageContention when others kept changing it.
        """
        for longest_wait in (*_COLLISION_WAITS, None):
            order = self.get(order_id)
            change = decide(order)
            try:
                self.save(order, change)
            except StorageContention:
                if longest_wait is None:
                    raise
                time.sleep(random.uniform(0, longest_wait))
            else:
                return change.order
        raise AssertionError("the last attempt returns or raises")

    def statuses(self, order_ids: Sequence[str]) -> dict[str, Status]:
        """Returns the status of each of these orders (at most 100) that there is."""
        keys = [_key(order_id) for order_id in dict.fromkeys(order_ids) if _is_sensible(order_id)]
        found: dict[str, Status] = {}
        while keys:
            with typed_failures():
                response = self._dynamodb.batch_get_item(
                    RequestItems={
                        self._table_name: {
                            "Keys": keys,
                            "ConsistentRead": True,
                            "ProjectionExpression": "order_id, #status",
                            "ExpressionAttributeNames": {"#status": "status"},
                        }
                    }
                )
            rows = map(from_item, response["Responses"].get(self._table_name) or ())
            found |= {row["order_id"]: Status(row["status"]) for row in rows}
            left = response["UnprocessedKeys"].get(self._table_name)
            keys = [] if left is None else list(left["Keys"])
        return found

    def unsettled(self) -> list[Order]:
        """Returns the orders for which something is left to do, the longest untouched first.

        An index lags behind its table by a moment: decide on what `get` returns.
        """
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            IndexName=_UNSETTLED,
            KeyConditionExpression="unsettled = :yes",
            ExpressionAttributeValues=to_item({":yes": _YES}),
        )
        with typed_failures():
            return [_order(from_item(row)) for page in pages for row in page["Items"]]

    def log(self, event: LoggedEvent) -> None:
        """Appends another service's event to its order's log, once however often it comes."""
        metadata = event.metadata
        row = {
            "pk": _partition(event.data["order_id"]),
            "sk": f"EVENT#{metadata['occurred_at']}#{metadata['event_id']}",
            "entity": _LOGGED,
            "source": event.source,
            "detail_type": event.type,
            "detail": json.dumps(event.detail, separators=(",", ":")),
            "event_id": metadata["event_id"],
            "occurred_at": metadata["occurred_at"],
        }
        try:
            with typed_failures():
                self._dynamodb.put_item(
                    TableName=self._table_name,
                    Item=to_item(row),
                    ConditionExpression="attribute_not_exists(pk)",
                )
        except ConditionFailed:
            return

    def events(self, order_id: str) -> list[LoggedEvent]:
        """Returns the order's log in the order of time; raises NotFound."""
        _refuse_senseless(order_id)
        rows = list(self._partition_rows(order_id))
        if not any(row["sk"] == _ORDER for row in rows):
            raise _not_found()
        return [
            LoggedEvent(row["source"], row["detail_type"], json.loads(row["detail"]))
            for row in rows
            if row["sk"] != _ORDER
        ]

    def _write_patiently(self, items: list["TransactWriteItemTypeDef"]) -> None:
        """Writes although requests with the same key collide: one wins, the others find its row."""
        for longest_wait in _COLLISION_WAITS:
            try:
                return transact_write(self._dynamodb, items)
            except StorageContention:
                time.sleep(random.uniform(0, longest_wait))
        return transact_write(self._dynamodb, items)

    def _partition_rows(self, order_id: str) -> Iterator[dict[str, Any]]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table_name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": _partition(order_id)}),
            ConsistentRead=True,
        )
        with typed_failures():
            for page in pages:
                yield from map(from_item, page["Items"])

    def _events(self, change: Change) -> list["TransactWriteItemTypeDef"]:
        if change.event is None:
            return []
        partition = _partition(change.order.order_id)
        return [outbox.put(self._table_name, partition, change.event)]

    def _put_order(
        self, order: Order, condition: str, values: Mapping[str, Any]
    ) -> "TransactWriteItemTypeDef":
        put: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table_name,
                "Item": {**_key(order.order_id), **to_item(_row(order))},
                "ConditionExpression": condition,
            }
        }
        if values:
            put["Put"]["ExpressionAttributeValues"] = to_item(values)
        return put

    def _put_placement(self, placement: Placement, at: datetime) -> "TransactWriteItemTypeDef":
        row = {
            "pk": f"{_IDEMPOTENCY}#{placement.key}",
            "sk": _IDEMPOTENCY,
            "entity": "idempotency",
            "fingerprint": placement.fingerprint,
            "order_id": placement.order_id,
            "expires_at": int((at + IDEMPOTENCY_LIFETIME).timestamp()),
        }
        return {
            "Put": {
                "TableName": self._table_name,
                "Item": to_item(row),
                # DynamoDB deletes what has expired within days, not at once.
                "ConditionExpression": "attribute_not_exists(pk) OR expires_at < :now",
                "ExpressionAttributeValues": to_item({":now": int(at.timestamp())}),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }


def _partition(order_id: str) -> str:
    return f"{_ORDER}#{order_id}"


def _key(order_id: str) -> dict[str, Any]:
    return to_item({"pk": _partition(order_id), "sk": _ORDER})


def _refuse_senseless(order_id: str) -> None:
    if not _is_sensible(order_id):
        raise _not_found()


def _is_sensible(order_id: str) -> bool:
    """Whatever a caller wrote into a URL: DynamoDB refuses a key that is too long."""
    return ids.is_id(ORDER_ID_PREFIX, order_id)


def _not_found() -> NotFound:
    return NotFound("There is no such order.", code="ORDER_NOT_FOUND")


def _row(order: Order) -> dict[str, Any]:
    row = {**_plain(asdict(order)), "entity": "order"}
    return row if order.status.is_final else {**row, _UNSETTLED: _YES}


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


def _order(row: Mapping[str, Any]) -> Order:
    # `get` for what orders from before did not have.
    reason, shipment = row["reason"], row.get("shipment")
    return Order(
        order_id=row["order_id"],
        status=Status(row["status"]),
        lines=tuple(Line(**line) for line in row["lines"]),
        email=row["email"],
        shipping_address=Address(**row["shipping_address"]),
        payment_token=row["payment_token"],
        correlation_id=row["correlation_id"],
        created_at=clock.from_iso(row["created_at"]),
        updated_at=clock.from_iso(row["updated_at"]),
        total_cents=row["total_cents"],
        currency=row["currency"],
        payment=None if row["payment"] is None else Payment(**row["payment"]),
        reason=None if reason is None else Reason(ReasonCode(reason["code"]), reason["message"]),
        trace_id=row.get("trace_id"),
        payment_window=_window(row.get("payment_window")),
        payment_expired_at=_time(row.get("payment_expired_at")),
        cancel_requested_at=_time(row.get("cancel_requested_at")),
        shipment=None if shipment is None else Shipment(**shipment),
        parked=_parked(row.get("parked")),
        redrives=row.get("redrives", 0),
        swept=row.get("swept", 0),
        version=row["version"],
    )


def _window(row: Mapping[str, Any] | None) -> PaymentWindow | None:
    return None if row is None else PaymentWindow(row["task_token"], clock.from_iso(row["due_at"]))


def _parked(row: Mapping[str, Any] | None) -> Parked | None:
    if row is None:
        return None
    return Parked(
        failure=Failure(**row["failure"]),
        compensation=row["compensation"],
        compensation_error=row["compensation_error"],
        refund=None if row["refund"] is None else Refund(**row["refund"]),
        redrive=row["redrive"],
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else clock.from_iso(text)
