"""Reads records again from a table's stream, in the form in which Lambda passes them to the relay.

DynamoDB keeps a stream's records for a day. Older events are still in the rows of their table.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from sagashop_ops.errors import OperationRefused
from sagashop_ops.letters import StreamBatch

# An open shard always has a next page, and DynamoDB may return empty pages before the end.
MOST_PAGES = 50
GONE_CODES = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


def read_batch(client: Any, batch: StreamBatch) -> list[dict[str, Any]]:
    """Returns the batch's records, and those between them that the event filter had left out.

    Raises OperationRefused where the stream no longer has all of them.
    """
    try:
        records = [_as_lambda_sees_it(record, batch) for record in _records(client, batch)]
    except ClientError as exc:
        if exc.response["Error"]["Code"] in GONE_CODES:
            raise _gone(batch) from exc
        raise
    numbers = {int(record["dynamodb"]["SequenceNumber"]) for record in records}
    if not {int(batch.first), int(batch.last)} <= numbers:
        raise _gone(batch)
    return records


def _records(client: Any, batch: StreamBatch) -> Iterator[Mapping[str, Any]]:
    iterator = client.get_shard_iterator(
        StreamArn=batch.stream_arn,
        ShardId=batch.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch.first,
    )["ShardIterator"]
    for _ in range(MOST_PAGES):
        page = client.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            number = int(record["dynamodb"]["SequenceNumber"])
            if number > int(batch.last):
                return
            yield record
            if number == int(batch.last):
                return
        if not (iterator := page.get("NextShardIterator")):
            return


def _as_lambda_sees_it(record: Mapping[str, Any], batch: StreamBatch) -> dict[str, Any]:
    """Returns a record as JSON: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html"""
    change = dict(record["dynamodb"])
    change["ApproximateCreationDateTime"] = change["ApproximateCreationDateTime"].timestamp()
    return {
        "eventID": record["eventID"],
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "awsRegion": record["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": batch.stream_arn,
    }


def _gone(batch: StreamBatch) -> OperationRefused:
    return OperationRefused(
        "STREAM_FORGOT",
        f"{batch.table}'s stream no longer has the records {batch.first} to "
        f"{batch.last}. Their events are in the table: `sagashop replay` sends them to a consumer.",
    )
