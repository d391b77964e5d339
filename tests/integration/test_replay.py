"""Events are replayed from the order log, and nothing happens twice."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sagashop_ops import replay as replays
from sagashop_ops.aws import Deployment
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.journal import Journal
from sagashop_ops.mail import sent_mail
from sagashop_ops.replay import StoredEvent, events_of, events_since
from sagashop_ops.stack import Stack
from support.saga import Saga
from support.waiting import eventually

EVENTS = ["OrderPlaced", "StockReserved", "PaymentCaptured", "ShipmentCreated"]


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


@pytest.fixture(scope="module")
def look(
    deployment: Deployment, store: StoreClient, saga: Saga
) -> Callable[[str], Mapping[str, Any]]:
    """Looks at all that an order's events set off."""

    def everything(order_id: str) -> Mapping[str, Any]:
        return {
            "order": store.order(order_id),
            "timeline": store.timeline(order_id),
            "mails": sent_mail(deployment.stack, order_id),
            "executions": sorted(saga.executions()),
        }

    return everything


@pytest.fixture(scope="module")
def order_id(deployment: Deployment, store: StoreClient, saga: Saga) -> str:
    """An order that is complete, and of which everybody has heard everything."""
    order_id = store.place_order([Line("product-003", 1)], "tok_visa")
    assert saga.wait_until_ended(order_id)["status"] == "COMPLETED"
    # No other mail comes after it: what it overtook is skipped.
    eventually(
        lambda: sent_mail(deployment.stack, order_id),
        until=lambda mail: any("is complete" in each.subject for each in mail),
    )
    eventually(
        lambda: {event["type"] for event in store.timeline(order_id)},
        until=lambda types: {*EVENTS, "StockCommitted", "OrderCompleted"} <= types,
    )
    return order_id


def replayed(deployment: Deployment, to: str, events: list[StoredEvent]) -> list[str]:
    """Replays events; returns the types of those that the consumer heard, once it has."""
    consumer = replays.find_consumer(to)
    sent = list(replays.replay(deployment, Journal.of(deployment), consumer, events))
    if consumer.queue:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        url = deployment.resources[consumer.queue]
        eventually(
            lambda: deployment.client("sqs").get_queue_attributes(
                QueueUrl=url, AttributeNames=list(names)
            )["Attributes"],
            until=lambda attributes: all(attributes[name] == "0" for name in names),
        )
    return [event.detail_type for event in sent]


@pytest.mark.parametrize(
    ("consumer", "heard"),
    [
        ("StartSaga", {"OrderPlaced"}),
        (
            "RecordEvent",
            {"StockReserved", "PaymentCaptured", "ShipmentCreated", "StockCommitted"},
        ),
        ("SendNotification", {"OrderPlaced", "OrderCompleted"}),
    ],
)
def test_a_replayed_order_looks_as_before(
    consumer: str,
    heard: set[str],
    deployment: Deployment,
    order_id: str,
    look: Callable[[str], Mapping[str, Any]],
) -> None:
    before = look(order_id)

    assert set(replayed(deployment, consumer, events_of(deployment, order_id))) == heard

    assert look(order_id) == before


def test_all_events_since_a_time_are_replayed(
    deployment: Deployment, order_id: str, look: Callable[[str], Mapping[str, Any]]
) -> None:
    before = look(order_id)
    first = datetime.fromisoformat(events_of(deployment, order_id)[0].occurred_at)

    events = events_since(deployment, first)
    assert set(EVENTS) <= {event.detail_type for event in events if event.order_id == order_id}
    assert events == sorted(events, key=lambda event: (event.occurred_at, event.event_id))
    replayed(deployment, "RecordEvent", events)
    replayed(deployment, "SendNotification", events)

    assert look(order_id) == before
    assert not events_since(deployment, datetime.now(UTC) + timedelta(hours=1))


def test_what_was_forgotten_is_logged_again(
    deployment: Deployment, store: StoreClient, order_id: str
) -> None:
    # Given a log that has lost an event, which the replay's own copy still has
    events = events_of(deployment, order_id)
    (lost,) = [event for event in events if event.detail_type == "PaymentCaptured"]
    deployment.client("dynamodb").delete_item(
        TableName=deployment.stack.tables["order"],
        Key={
            "pk": {"S": f"ORDER#{order_id}"},
            "sk": {"S": f"EVENT#{lost.occurred_at}#{lost.event_id}"},
        },
    )
    assert "PaymentCaptured" not in {event["type"] for event in store.timeline(order_id)}

    replayed(deployment, "RecordEvent", events)

    eventually(
        lambda: [event["type"] for event in store.timeline(order_id)],
        until=lambda types: types.count("PaymentCaptured") == 1,
    )
