"""Event source mappings on the running store's engine: from a write to a function's call."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from support.dynamodb_server import an_item
from support.lambda_functions import LambdaFunctions
from support.waiting import eventually


@contextmanager
def mapping(
    functions: LambdaFunctions, function: str, source_arn: str, **more: Any
) -> Iterator[None]:
    """Connects a queue or stream to a function for the time of a `with` block."""
    made = functions.client.create_event_source_mapping(
        FunctionName=function, EventSourceArn=source_arn, **more
    )
    try:
        yield
    finally:
        functions.client.delete_event_source_mapping(UUID=made["UUID"])


def printed_by(functions: LambdaFunctions, function: str) -> list[str]:
    """What a function has printed so far, without Lambda's own lines."""
    logs = functions.client_of("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function}")["logGroups"]
    events = [
        event["message"].strip()
        for group in groups
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    return [line for line in events if line.startswith("got ")]


def test_a_stream_reaches_its_function_with_the_records_that_its_filter_lets_through(
    functions: LambdaFunctions, aws: Callable[[str], Any], table: dict[str, Any]
) -> None:
    # Given a mapping for the items marked as wanted
    function = functions.create(
        "def handler(event, context):\n"
        "  for record in event['Records']:\n"
        "    print('got', record['eventName'], record['dynamodb']['NewImage']['pk']['S'])"
    )
    wanted = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"wanted": {"N": ["1"]}}}}
    filters = {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(wanted)}]}}
    start = {"StartingPosition": "TRIM_HORIZON"}
    with mapping(functions, function, table["LatestStreamArn"], **start, **filters):
        # When items are written
        put = {"TableName": table["TableName"]}
        aws("dynamodb").put_item(**put, Item=an_item("a", wanted=1))
        aws("dynamodb").put_item(**put, Item=an_item("b", wanted=0))
        aws("dynamodb").put_item(**put, Item=an_item("c", wanted=1))

        # Then it hears of those, in their order
        heard = eventually(lambda: printed_by(functions, function), lambda lines: len(lines) >= 2)
        assert heard == ["got INSERT a", "got INSERT c"]


def test_a_record_that_keeps_failing_goes_to_the_failure_destination(
    functions: LambdaFunctions, aws: Callable[[str], Any], table: dict[str, Any]
) -> None:
    # Given a function that cannot take one of its records
    function = functions.create(
        "def handler(event, context):\n"
        "  for record in event['Records']:\n"
        "    if record['dynamodb']['Keys']['pk']['S'] == 'poison':\n"
        "      number = record['dynamodb']['SequenceNumber']\n"
        "      return {'batchItemFailures': [{'itemIdentifier': number}]}\n"
        "  return {'batchItemFailures': []}"
    )
    sqs = aws("sqs")
    queue = sqs.create_queue(QueueName=f"test-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    settings = {
        "StartingPosition": "TRIM_HORIZON",
        "MaximumRetryAttempts": 1,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": attributes["Attributes"]["QueueArn"]}},
    }
    with mapping(functions, function, table["LatestStreamArn"], **settings):
        # When it comes between two others
        for pk in ("before", "poison"):
            aws("dynamodb").put_item(TableName=table["TableName"], Item=an_item(pk))

        # Then the queue is told of it, and of nothing before it
        (message,) = eventually(
            lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages")
        )
        told = json.loads(message["Body"])
        assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    sqs.delete_queue(QueueUrl=queue)


def test_a_message_reaches_its_function_from_a_queue_that_was_empty(
    functions: LambdaFunctions, aws: Callable[[str], Any]
) -> None:
    function = functions.create(
        "def handler(event, context):\n"
        "  for record in event['Records']:\n"
        "    print('got', record['body'])"
    )
    sqs = aws("sqs")
    queue = sqs.create_queue(QueueName=f"test-{uuid.uuid4().hex[:12]}")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    with mapping(functions, function, attributes["Attributes"]["QueueArn"]):
        for word in ("one", "two"):
            sqs.send_message(QueueUrl=queue, MessageBody=word)
            eventually(lambda word=word: f"got {word}" in printed_by(functions, function))  # type: ignore[misc]
    sqs.delete_queue(QueueUrl=queue)
