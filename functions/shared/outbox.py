"""The transactional outbox: events are rows, written with the state that they describe.

`put` gives the row as one more item of the transaction. `relay` is a Lambda handler on the table's
stream and puts every new row on the event bus. Nothing polls, and nothing is lost between the two.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared import settings
from shared.dynamodb import from_item, to_item
from shared.events import DomainEvent, PublishedEvent
from shared.logging import bind, logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

ENTITY = "outbox_event"
"""The rows that the relay publishes. Another service's event in a log has another name."""

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
    """Publishes a batch of a DynamoDB stream's new event rows, in the order of the stream.

    Returns `{"batchItemFailures": [{"itemIdentifier": sequence number}]}` with the first record
    that EventBridge did not take. Lambda delivers again from that record on, so a later event of
    the same order never overtakes it for good; consumers drop what they see twice.
    """
    bind(context)
    bus = settings.load(_RelaySettings).event_bus_name
    failed = _publish([_pending(record, bus) for record in event["Records"] if _is_event(record)])
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


def _is_event(record: Mapping[str, Any]) -> bool:
    """Tells whether a stream record is a new outbox row: the event source's filter says so too."""
    image = record["dynamodb"].get("NewImage", {})
    return bool(record["eventName"] == "INSERT" and image.get("entity") == {"S": ENTITY})


def _pending(record: Mapping[str, Any], bus: str) -> _Pending:
    image = from_item(record["dynamodb"]["NewImage"])
    event = read(image)
    return _Pending(
        sequence_number=record["dynamodb"]["SequenceNumber"],
        entry={
            "EventBusName": bus,
            "Source": image["source"],
            "DetailType": image["detail_type"],
            "Detail": image["detail"],
        },
        ids=event.ids,
    )


@cache
def _bus() -> "EventBridgeClient":
    # Made at the first batch: task functions, which only `put`, need no EventBridge client.
    return boto3.client("events")
