"""The other services' events, from the queue into the order's log."""

import json
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT, an_order
from order import domain, log
from shared.events import DomainEvent
from unit.order.fakes import FakeOrders


@pytest.fixture
def orders(orders: FakeOrders) -> FakeOrders:
    """The order table with one order."""
    orders.add(domain.place(an_order().build(), ORIGIN), None)
    return orders


def message(message_id: str, body: str | DomainEvent) -> dict[str, Any]:
    """One record of a batch from SQS; an event is wrapped as EventBridge wraps it."""
    if isinstance(body, DomainEvent):
        body = json.dumps(
            {"source": body.source, "detail-type": body.type, "detail": body.envelope()}
        )
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": body}


def payment_declined(order_id: str = an_order().order_id) -> DomainEvent:
    return DomainEvent(
        "payment", "PaymentDeclined", order_id, PLACED_AT, ORIGIN, {"reason": "card_declined"}
    )


def test_a_batch_of_events_joins_the_orders_log(orders: FakeOrders, lambda_context: Any) -> None:
    # When
    response = log.record_events({"Records": [message("m1", payment_declined())]}, lambda_context)

    # Then
    assert response == {"batchItemFailures": []}
    types = [event.type for event in orders.events(an_order().order_id)]
    assert sorted(types) == ["OrderPlaced", "PaymentDeclined"]


def test_an_event_that_comes_twice_is_logged_once(orders: FakeOrders, lambda_context: Any) -> None:
    # When
    for message_id in ("m1", "m2"):
        log.record_events({"Records": [message(message_id, payment_declined())]}, lambda_context)

    # Then
    assert len(orders.events(an_order().order_id)) == 2


def test_only_the_messages_that_could_not_be_logged_are_reported(
    orders: FakeOrders, lambda_context: Any
) -> None:
    # Given
    records = [
        message("broken", "not json"),
        message("foreign", '{"hello": "world"}'),
        message("good", payment_declined()),
    ]

    # When
    response = log.record_events({"Records": records}, lambda_context)

    # Then
    assert response == {
        "batchItemFailures": [{"itemIdentifier": "broken"}, {"itemIdentifier": "foreign"}]
    }
    assert len(orders.events(an_order().order_id)) == 2


def test_a_batch_that_fails_as_a_whole_is_reported_like_any_other(
    orders: FakeOrders, lambda_context: Any
) -> None:
    # When
    response = log.record_events({"Records": [message("broken", "[]")]}, lambda_context)

    # Then
    assert response == {"batchItemFailures": [{"itemIdentifier": "broken"}]}


def test_a_logged_event_is_never_published_again(orders: FakeOrders, lambda_context: Any) -> None:
    # When
    log.record_events({"Records": [message("m1", payment_declined())]}, lambda_context)

    # Then
    assert [event.type for event in orders.outbox] == ["OrderPlaced"]
