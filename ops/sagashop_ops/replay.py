"""Replays events from the order log to one consumer, in EventBridge's own envelope.

The order table keeps every event of every order: the order service's own as outbox rows, the other
services' as logged ones. A replay sends events to one consumer only, and only those that its rule
lets through. Consumers deduplicate by event id, so that no effect happens twice.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self

from sagashop_ops.aws import Deployment, Row, call_function, rows, table_of
from sagashop_ops.errors import UnknownOrder, find_by_name
from sagashop_ops.journal import Journal


@dataclass(frozen=True)
class Consumer:
    """A consumer of events: its rule, and the queue that it reads from, if there is one."""

    name: str
    rule: str
    queue: str | None


CONSUMERS = {
    consumer.name: consumer
    for consumer in (
        Consumer("StartSaga", "OrderPlacedRule", None),
        Consumer("RecordEvent", "ServiceEventRule", "RecordEventQueue"),
        Consumer("SendNotification", "NotificationRule", "NotificationQueue"),
        Consumer("EraseAddress", "OrderAnonymizedRule", "EraseAddressQueue"),
    )
}


@dataclass(frozen=True)
class StoredEvent:
    """An event as the order log has it."""

    event_id: str
    source: str
    detail_type: str
    detail: Mapping[str, Any]
    occurred_at: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """Reads a row of the order table."""
        known: dict[str, Any] = {field.name: row[field.name] for field in fields(cls)}
        return cls(**known | {"detail": json.loads(row["detail"])})

    @property
    def at(self) -> datetime:
        """When it occurred."""
        return datetime.fromisoformat(self.occurred_at)

    @property
    def order_id(self) -> str:
        return str(self.detail["data"]["order_id"])

    def envelope(self, region: str, account: str) -> dict[str, Any]:
        """Returns the event as EventBridge delivers it.

        https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
        """
        return {
            "version": "0",
            "id": self.event_id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": account,
            "time": f"{self.occurred_at[:19]}Z",
            "region": region,
            "resources": [],
            "detail": self.detail,
        }


def find_consumer(name: str) -> Consumer:
    """Returns the consumer that the user means, in any case; raises UnknownName."""
    return find_by_name("consumer", name, CONSUMERS)


def events_of(deployment: Deployment, order_id: str) -> list[StoredEvent]:
    """Returns an order's events in the order of time; raises UnknownOrder."""
    found = rows(
        table_of(deployment.stack, "order"),
        "query",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
        ExpressionAttributeValues={":pk": f"ORDER#{order_id}", ":event": "EVENT#"},
        ConsistentRead=True,
    )
    events = [StoredEvent.of(row) for row in found]
    if not events:
        raise UnknownOrder(order_id)
    return events


def events_since(deployment: Deployment, since: datetime) -> list[StoredEvent]:
    """Returns all orders' events since a time, in the order of time; reads the whole table."""
    begin = since.astimezone(UTC).isoformat(timespec="milliseconds")[:23]
    found = rows(
        table_of(deployment.stack, "order"),
        "scan",
        FilterExpression="begins_with(sk, :event) AND occurred_at >= :since",
        ExpressionAttributeValues={":event": "EVENT#", ":since": begin},
    )
    return sorted(map(StoredEvent.of, found), key=lambda event: (event.occurred_at, event.event_id))


def replay(
    deployment: Deployment,
    journal: Journal,
    consumer: Consumer,
    events: Sequence[StoredEvent],
    reason: str = "",
) -> Iterator[StoredEvent]:
    """Sends the consumer those of the events that its rule lets through; yields each.

    Raises OperationRefused where a function fails on one; those before it were delivered.
    """
    # A rule's physical id is `bus|name`.
    bus, _, name = deployment.resources[consumer.rule].rpartition("|")
    rule = deployment.client("events").describe_rule(
        Name=name, EventBusName=bus or deployment.stack.event_bus_name
    )
    wanted: Mapping[str, list[str]] = json.loads(rule["EventPattern"])
    chosen = [
        event
        for event in events
        if all(
            getattr(event, field.replace("-", "_")) in allowed for field, allowed in wanted.items()
        )
    ]
    _, _, _, region, account, *_ = deployment.stack.state_machine_arn.split(":")
    with journal.record("replay", consumer.name, reason, events=len(chosen)) as outcome:
        for number, event in enumerate(chosen, start=1):
            envelope = event.envelope(region, account)
            if consumer.queue is None:
                call_function(deployment, consumer.name, envelope)
            else:
                deployment.client("sqs").send_message(
                    QueueUrl=deployment.resources[consumer.queue], MessageBody=json.dumps(envelope)
                )
            outcome.update(delivered=number)
            yield event
