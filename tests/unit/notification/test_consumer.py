"""The order service's events, from the queue to the post office."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, TRACE_ID, a_request
from notification import consumer
from shared.errors import NotificationUnavailable
from shared.events import DomainEvent

CUSTOMER = "ada@example.com"


pytestmark = pytest.mark.usefixtures("notifications", "mailer", "customers")


def placed() -> DomainEvent:
    data = {"items": [{"sku": "product-001", "quantity": 1}]}
    return DomainEvent("order", "OrderPlaced", ORDER_ID, PLACED_AT, ORIGIN, data)


def message(message_id: str, body: str | DomainEvent) -> dict[str, Any]:
    """One record of a batch from SQS; an event is wrapped as EventBridge wraps it."""
    if isinstance(body, DomainEvent):
        body = json.dumps(
            {"source": body.source, "detail-type": body.type, "detail": body.envelope()}
        )
    return {"messageId": message_id, "eventSource": "aws:sqs", "body": body}


def test_a_batch_of_events_becomes_mail(mailer: Any, lambda_context: Any) -> None:
    response = consumer.handler({"Records": [message("m1", placed())]}, lambda_context)

    assert response == {"batchItemFailures": []}
    assert [recipient for recipient, _ in mailer.sent] == [CUSTOMER]


def test_an_event_that_is_in_a_batch_twice_becomes_one_message(
    mailer: Any, lambda_context: Any
) -> None:
    records = [message("m1", placed()), message("m2", placed())]

    response = consumer.handler({"Records": records}, lambda_context)

    assert response == {"batchItemFailures": []}
    assert len(mailer.sent) == 1


def test_only_what_could_not_be_sent_comes_again(mailer: Any, lambda_context: Any) -> None:
    # Given
    mailer.failures.append(NotificationUnavailable("down"))
    completed = DomainEvent(
        "order",
        "OrderCompleted",
        ORDER_ID,
        PLACED_AT,
        ORIGIN,
        {"total_cents": 100, "currency": "USD"},
    )
    records = [message("unlucky", placed()), message("good", completed), message("broken", "[]")]

    # When
    response = consumer.handler({"Records": records}, lambda_context)

    # Then
    assert response == {
        "batchItemFailures": [{"itemIdentifier": "unlucky"}, {"itemIdentifier": "broken"}]
    }
    assert len(mailer.sent) == 1


def test_the_log_links_the_mail_to_its_order_and_names_no_address(
    lambda_context: Any, mailer: Any, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    mailer.failures.append(NotificationUnavailable("down"))

    # When
    for message_id in ("m1", "m2"):
        consumer.handler({"Records": [message(message_id, placed())]}, lambda_context)

    # Then
    lines = logged()
    last = next(line for line in lines if line["message"] == "notification sent")
    assert last["order_id"] == ORDER_ID
    assert last["trace_id"] == TRACE_ID
    assert last["correlation_id"] == ORIGIN.correlation_id
    assert last["detail_type"] == "OrderPlaced"
    assert "@" not in json.dumps(lines)


def test_a_message_that_is_skipped_is_logged_with_the_reason_and_counted(
    mailer: Any,
    lambda_context: Any,
    logged: Callable[[], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given
    newer = DomainEvent(
        "order", "OrderCancellationRequested", ORDER_ID, PLACED_AT, ORIGIN, {}, sequence=2
    )
    records = [message("m1", newer), message("m2", replace(placed(), sequence=1))]

    # When
    response = consumer.handler({"Records": records}, lambda_context)

    # Then
    assert response == {"batchItemFailures": []}
    assert mailer.sent == []
    (line,) = [line for line in logged() if line["message"] == "notification skipped"]
    assert line["reason"] == (
        "OrderCancellationRequested (sequence 2) came before this event (sequence 1)"
    )
    (metrics,) = (json.loads(out) for out in capsys.readouterr().out.splitlines() if "_aws" in out)
    assert metrics["NotificationSkipped"] == [1.0]
    assert metrics["event"] == "OrderPlaced"


def test_the_service_says_that_it_is_well(lambda_context: Any) -> None:
    response = consumer.handler(a_request("GET", "/notification/health"), lambda_context)

    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {"service": "notification", "status": "ok"}
