"""Dead letters of a running store: how they come about, and every way out."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sagashop_ops import chaos, dead_letters
from sagashop_ops.aws import Deployment
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.dead_letters import Attempt
from sagashop_ops.errors import UnknownLetter
from sagashop_ops.journal import Journal, read_operations
from sagashop_ops.letters import Letter
from sagashop_ops.queues import find_queue
from sagashop_ops.replay import events_of
from sagashop_ops.stack import Stack
from support.bus import BusListener
from support.saga import Saga
from support.waiting import eventually

WHY = "tested"


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


@pytest.fixture(scope="module")
def journal(deployment: Deployment) -> Journal:
    return Journal.of(deployment)


def letters_about(deployment: Deployment, queue: str, words: str) -> list[Letter]:
    """Returns a queue's letters that hold some words; waits until there is one."""

    def found() -> list[Letter]:
        letters = dead_letters.read(deployment, find_queue(deployment, queue))
        return [letter for letter in letters if words in letter.body]

    return eventually(found, every=0.5)


def redrive(deployment: Deployment, journal: Journal, queue: str, letter: Letter) -> Attempt:
    """Redrives one letter."""
    attempts = dead_letters.redrive(
        deployment, journal, find_queue(deployment, queue), WHY, letter.message_id
    )
    (attempt,) = attempts
    return attempt


def is_there(deployment: Deployment, queue: str, letter: Letter) -> bool:
    """Tells whether a letter can be seen in its queue."""
    letters = dead_letters.read(deployment, find_queue(deployment, queue))
    return letter.message_id in {found.message_id for found in letters}


def mails_about(deployment: Deployment, order_id: str) -> dict[str, str]:
    """Returns the events of an order that are to be written about, and how that stands."""
    pages = (
        deployment.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=deployment.stack.tables["notification"],
            FilterExpression="order_id = :order AND sk = :mail",
            ExpressionAttributeValues={":order": {"S": order_id}, ":mail": {"S": "NOTIFICATION"}},
        )
    )
    rows = [row for page in pages for row in page["Items"]]
    return {row["event_type"]["S"]: row["status"]["S"] for row in rows}


@contextmanager
def hasty(aws: Callable[[str], Any], deployment: Deployment, queue: str) -> Iterator[None]:
    """Has a queue deliver again within a second, so that it gives up within seconds."""
    url, name = deployment.resources[queue], "VisibilityTimeout"
    before = aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
    aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={name: "1"})
    try:
        yield
    finally:
        aws("sqs").set_queue_attributes(QueueUrl=url, Attributes=before)


@contextmanager
def missing_row(deployment: Deployment, order_id: str) -> Iterator[None]:
    """Takes an order's row away for a while."""
    dynamodb, table = deployment.client("dynamodb"), deployment.stack.tables["order"]
    key = {"pk": {"S": f"ORDER#{order_id}"}, "sk": {"S": "ORDER"}}
    row = dynamodb.delete_item(TableName=table, Key=key, ReturnValues="ALL_OLD")["Attributes"]
    try:
        yield
    finally:
        dynamodb.put_item(TableName=table, Item=row)


def hand_over_once(deployment: Deployment, function: str, payload: object) -> None:
    """Calls a function as EventBridge does, but for Lambda's retries, which take minutes."""
    client, name = deployment.client("lambda"), deployment.functions[function]
    before = client.get_function_event_invoke_config(FunctionName=name)["MaximumRetryAttempts"]
    client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(payload).encode())
    queue = find_queue(deployment, function)
    eventually(lambda: dead_letters.count(deployment, queue), every=0.5)
    client.update_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=before)


def test_what_fails_again_stays_until_it_is_dropped_for_a_reason(
    deployment: Deployment, journal: Journal, aws: Callable[[str], Any]
) -> None:
    # Given a sweep that was called with nonsense
    aws("lambda").invoke(
        FunctionName=deployment.functions["SweepOrders"],
        InvocationType="Event",
        Payload=json.dumps({"grace_seconds": "for ever"}).encode(),
    )
    (letter,) = letters_about(deployment, "Sweep", "for ever")
    assert "SweepOrders" in letter.subject
    assert "RetriesExhausted" in letter.why

    # When it is redriven, then it fails again and stays
    attempt = redrive(deployment, journal, "Sweep", letter)
    assert attempt.error is not None
    assert is_there(deployment, "Sweep", letter)

    # When it is dropped, then it is gone, and the record has who, why and its text
    queue = find_queue(deployment, "Sweep")
    list(dead_letters.drop(deployment, journal, queue, "nonsense", letter.message_id))
    assert not is_there(deployment, "Sweep", letter)
    last = read_operations(journal.table, 1)[0]
    assert (last.action, last.operator, last.reason) == (
        "drop dead letter",
        journal.operator,
        "nonsense",
    )
    assert last.status == "DONE"
    assert "for ever" in last.details["body"]


def test_a_letter_that_is_not_there_cannot_be_dropped(
    deployment: Deployment, journal: Journal
) -> None:
    with pytest.raises(UnknownLetter):
        list(dead_letters.drop(deployment, journal, find_queue(deployment, "Sweep"), WHY, "nobody"))


def test_an_event_that_its_function_failed_on_is_handed_to_it_again(
    deployment: Deployment,
    journal: Journal,
    store: StoreClient,
    saga: Saga,
    aws: Callable[[str], Any],
) -> None:
    # Given an event of an order that can't be found for a while
    order_id = store.place_order([Line("product-003", 1)], "tok_visa")
    saga.wait_until_ended(order_id)
    (placed, *_) = events_of(deployment, order_id)
    with missing_row(deployment, order_id):
        hand_over_once(deployment, "StartSaga", placed.envelope("us-east-1", "000000000000"))
        (letter,) = letters_about(deployment, "StartSaga", order_id)
    executions = saga.executions()

    # Then its letter says so, and once the order is back, a redrive is heard and starts no second
    # execution
    assert letter.subject.endswith(f"OrderPlaced of {order_id}")
    assert letter.why.startswith("NotFound: There is no such order.")
    assert redrive(deployment, journal, "StartSaga", letter).error is None
    assert not is_there(deployment, "StartSaga", letter)
    assert sorted(saga.executions()) == sorted(executions)


@pytest.mark.full
def test_mail_that_could_not_be_sent_is_sent_by_a_redrive_and_the_order_never_knew(
    deployment: Deployment,
    journal: Journal,
    store: StoreClient,
    saga: Saga,
    aws: Callable[[str], Any],
) -> None:
    # Given an order of which no message could be sent
    def order_in_silence() -> str:
        order_id = store.place_order([Line("product-003", 1)], "tok_visa")
        assert saga.wait_until_ended(order_id)["status"] == "COMPLETED"
        eventually(lambda: mails_about(deployment, order_id), until=lambda m: len(m) == 2)
        return order_id

    def is_silent(order_id: str) -> bool:
        mails = mails_about(deployment, order_id)
        return mails["OrderCompleted"] == "FAILED" and mails["OrderPlaced"] != "SENT"

    chaos.change(deployment, journal, ["notification.failure_rate=1"])
    try:
        with hasty(aws, deployment, "NotificationQueue"):
            # The function looks at the setting every other second.
            order_id = eventually(order_in_silence, until=is_silent)
            completed = f"OrderCompleted of {order_id}"
            eventually(
                lambda: letters_about(deployment, "Notification", order_id),
                until=lambda found: completed in {letter.subject for letter in found},
                every=0.5,
            )
    finally:
        chaos.turn_off(deployment, journal)

    # When mail can be sent again and all letters are redriven, then the latest message is sent, and
    # the one that it overtook is not
    queue = find_queue(deployment, "Notification")
    attempts = list(dead_letters.redrive(deployment, journal, queue, WHY, dead_letters.EVERYTHING))
    assert not [attempt.error for attempt in attempts if attempt.error]
    mails = {"OrderPlaced": "SKIPPED", "OrderCompleted": "SENT"}
    eventually(lambda: mails_about(deployment, order_id), until=lambda found: found == mails)
    assert dead_letters.count(deployment, queue) == 0


def test_what_a_relay_gave_up_is_read_again_from_the_stream_and_published(
    deployment: Deployment,
    journal: Journal,
    store: StoreClient,
    saga: Saga,
    bus: BusListener,
    aws: Callable[[str], Any],
) -> None:
    # Given an order whose event the relay gave up
    bus.heard_of("nobody")
    order_id = store.place_order([Line("product-003", 1)], "tok_visa")
    saga.wait_until_ended(order_id)
    timeline = store.timeline(order_id)
    heard = bus.wait_for(order_id, ["OrderPlaced", "OrderCompleted"])
    batch = _stretch_of_the_stream(deployment, order_id)
    aws("sqs").send_message(
        QueueUrl=deployment.stack.dead_letter_queues["Relay"],
        MessageBody=json.dumps({"DDBStreamBatchInfo": batch, "requestContext": {}}),
    )
    (letter,) = letters_about(deployment, "Relay", batch["startSequenceNumber"])
    assert f"OrderPlaced of {order_id}" in dead_letters.contents(deployment, letter)

    # When the letter is redriven
    assert redrive(deployment, journal, "Relay", letter).error is None

    # Then the bus hears it, and who had heard it already does nothing twice
    again = eventually(lambda: bus.heard_of(order_id), until=lambda e: len(e) > len(heard))
    assert again[-1]["detail-type"] in {"OrderPlaced", "OrderCompleted"}
    assert not is_there(deployment, "Relay", letter)
    assert store.timeline(order_id) == timeline


def _stretch_of_the_stream(deployment: Deployment, order_id: str) -> dict[str, Any]:
    """Returns an order's records in its table's stream as a relay's dead letter names them."""
    table = deployment.client("dynamodb").describe_table(
        TableName=deployment.stack.tables["order"]
    )["Table"]
    arn, streams = table["LatestStreamArn"], deployment.client("dynamodbstreams")
    (shard, *_) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    numbers = []
    while page := streams.get_records(ShardIterator=iterator):
        numbers += [
            record["dynamodb"]["SequenceNumber"]
            for record in page["Records"]
            if record["dynamodb"]["Keys"]["pk"]["S"] == f"ORDER#{order_id}"
        ]
        iterator = page["NextShardIterator"]
        if not page["Records"]:
            break
    return {
        "streamArn": arn,
        "shardId": shard["ShardId"],
        "startSequenceNumber": numbers[0],
        "endSequenceNumber": numbers[-1],
        "batchSize": len(numbers),
    }
