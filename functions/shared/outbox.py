"""The transactional outbox: events are rows, written with the state that they describe.

`put` gives the row as one more item of the transaction. `relay` is a Lambda handler on the table's
stream and puts every new row on the event bus. Nothing polls, and nothing is lost between the two.

That an order's row has changed is published as well, straight from the stream: such an event says
no more than which version it is, so it needs no row of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared import clock, settings
from shared.dynamodb import from_item, to_item
from shared.events import DomainEvent, Origin, PublishedEvent
from shared.logging import bind, logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

ENTITY = "outbox_event"
"""The rows that the relay publishes. Another service's event in a log has another name."""

_ORDER = "order"
# What an event about a changed order is made of.
_OF_A_CHANGE = frozenset({"order_id", "version", "updated_at", "correlation_id", "trace_id"})

# PutEvents' limits: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
_MAX_ENTRIES = 10
_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class _RelaySettings:
    event_bus_name: str


@dataclass(frozen=True, slots=True)
class _Pending:
    """A row on its way to the bus, and the place in the stream to return to if it fails."""

    sequence_number: str
    entry: "PutEventsRequestEntryTypeDef"
    ids: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Its bytes as EventBridge counts them."""
        entry = self.entry
        return len((entry["Source"] + entry["DetailType"] + entry["Detail"]).encode())


def sort_key(event: PublishedEvent) -> str:
    """Returns the event row's `sk`, which puts an entity's events in the order of time."""
    return f"EVENT#{event.metadata['occurred_at']}#{event.metadata['event_id']}"


def row(partition_key: str, event: PublishedEvent, entity: str = ENTITY) -> dict[str, Any]:
    """Returns the row that holds an event beside the entity at `partition_key`."""
    return {
        "pk": partition_key,
        "sk": sort_key(event),
        "entity": entity,
        "source": event.source,
        "detail_type": event.type,
        "detail": json.dumps(event.detail, separators=(",", ":")),
        "event_id": event.metadata["event_id"],
        "occurred_at": event.metadata["occurred_at"],
    }


def put(table_name: str, partition_key: str, event: DomainEvent) -> "TransactWriteItemTypeDef":
    """Returns the item that appends `event` beside the entity at `partition_key`."""
    item = to_item(row(partition_key, event.published()))
    return {"Put": {"TableName": table_name, "Item": item}}


def read(row: Mapping[str, Any]) -> PublishedEvent:
    """Returns the event that a row holds; the inverse of `row`."""
    return PublishedEvent(row["source"], row["detail_type"], json.loads(row["detail"]))


def relay(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Publishes a batch of a DynamoDB stream's new event rows and changes, in the stream's order.

    Returns `{"batchItemFailures": [{"itemIdentifier": sequence number}]}` with the first record
    that EventBridge did not take. Lambda delivers again from that record on, so a later event of
    the same order never overtakes it for good; consumers drop what they see twice.
    """
    bind(context)
    bus = settings.load(_RelaySettings).event_bus_name
    failed = _publish([row for record in event["Records"] for row in _pending(record, bus)])
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


def _publish(pending: Sequence[_Pending]) -> list[str]:
    """Puts the rows on the bus; returns the sequence number of the first that was not taken."""
    for chunk in _chunks(pending):
        response = _bus().put_events(Entries=[row.entry for row in chunk])
        for row, result in zip(chunk, response["Entries"], strict=True):
            if "ErrorCode" in result:
                logger.error(
                    "event not published",
                    error_code=result["ErrorCode"],
                    error_message=result.get("ErrorMessage"),
                    **row.ids,
                )
                return [row.sequence_number]
            logger.info("event published", **row.ids)
    return []


def _chunks(pending: Sequence[_Pending]) -> Iterator[list[_Pending]]:
    """Yields the rows in groups that one PutEvents call may carry."""
    chunk: list[_Pending] = []
    size = 0
    for row in pending:
        if chunk and (len(chunk) == _MAX_ENTRIES or size + row.size > _MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += row.size
    if chunk:
        yield chunk


def _pending(record: Mapping[str, Any], bus: str) -> Iterator[_Pending]:
    """Yields what a stream's record has to tell, if anything."""
    image = _news(record)
    if image is None:
        return
    yield _Pending(
        sequence_number=record["dynamodb"]["SequenceNumber"],
        entry={
            "EventBusName": bus,
            "Source": image["source"],
            "DetailType": image["detail_type"],
            "Detail": image["detail"],
        },
        ids=read(image).ids,
    )


def _news(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the event row that a record adds, or that would tell of the change that it is.

    Other records come where the event source's filter is wider.
    """
    image = record["dynamodb"].get("NewImage", {})
    match record["eventName"], image.get("entity"):
        case "INSERT", {"S": entity} if entity == ENTITY:
            return from_item(image)
        case "MODIFY", {"S": entity} if entity == _ORDER and image.keys() >= _OF_A_CHANGE:
            order = from_item({name: image[name] for name in _OF_A_CHANGE})
            return row(image["pk"]["S"], change_of_order(order).published())
    return None


def change_of_order(order: Mapping[str, Any]) -> DomainEvent:
    """Returns the event that tells which version an order's row has now."""
    return DomainEvent(
        "order.changes",
        "OrderChanged",
        order["order_id"],
        clock.from_iso(order["updated_at"]),
        Origin(order["correlation_id"], trace_id=order["trace_id"]),
        {},
        occurrence=order["version"],
        sequence=order["version"],
    )


@cache
def _bus() -> "EventBridgeClient":
    # Made at the first batch: task functions, which only `put`, need no EventBridge client.
    return boto3.client("events")
