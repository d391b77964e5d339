"""What a dead letter says, whoever wrote it."""

import json
from typing import Any

import pytest

from sagashop_ops.letters import (
    Event,
    Invocation,
    Letter,
    StreamBatch,
    Unreadable,
    read_letter,
)
from support.operators import STREAM_ARN, a_failed_batch, a_failed_call, an_event

SCHEDULED = {
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "resources": ["arn:aws:events:us-east-1:000000000000:rule/shop-SweepOrders"],
    "detail": {},
}


def letter(body: Any, **attributes: str) -> Letter:
    return read_letter(
        {
            "MessageId": "m-1",
            "ReceiptHandle": "r-1",
            "Body": body if isinstance(body, str) else json.dumps(body),
            "Attributes": {"SentTimestamp": "1772357400125"},
            "MessageAttributes": {name: {"StringValue": v} for name, v in attributes.items()},
        }
    )


def test_an_event_that_its_consumer_failed_to_handle() -> None:
    read = letter(an_event("OrderCompleted", "ord_7"))

    assert read.content == Event(an_event("OrderCompleted", "ord_7"))
    assert read.subject == "OrderCompleted of ord_7"
    assert read.why == "its consumer failed at every delivery"
    assert read.sent_at.isoformat() == "2026-03-01T09:30:00.125000+00:00"


def test_an_event_that_could_not_be_delivered_says_why() -> None:
    read = letter(an_event(), ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="denied")

    assert read.why == "EventBridge could not deliver it: NO_PERMISSIONS denied"


def test_a_failed_call_names_its_function_and_its_error() -> None:
    read = letter(a_failed_call(an_event()))

    assert read.content == Invocation("shop-StartSaga", an_event())
    assert read.subject == "shop-StartSaga <- OrderPlaced of ord_1"
    assert read.why == "SagaNotStarted: no engine (RetriesExhausted after 3 calls)"


def test_a_schedule_that_could_not_call_names_the_function_that_bears_its_name() -> None:
    assert letter(SCHEDULED).content == Invocation("shop-SweepOrders", SCHEDULED)


def test_a_failed_batch_names_its_stretch_of_the_stream() -> None:
    read = letter(a_failed_batch("17", "19"))

    assert read.content == StreamBatch(STREAM_ARN, "shard-1", "17", "19", 2)
    assert read.subject == "2 records of shop-order's stream"
    assert read.why == "RetryAttemptsExhausted after 11 calls: Unhandled"


def test_a_batch_of_records_that_grew_too_old_has_no_error() -> None:
    read = letter({"DDBStreamBatchInfo": a_failed_batch()["DDBStreamBatchInfo"]})

    assert read.why == "not handled"


@pytest.mark.parametrize("body", ["hello", '"hello"', "[]", "{}"])
def test_what_nobody_of_ours_wrote_is_shown_as_it_is(body: str) -> None:
    read = letter(body)

    assert read.content == Unreadable()
    assert body in read.subject
