"""Reads records again from a table's stream, in the form in which Lambda passes them to the relay:
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html

DynamoDB keeps a stream's records for a day. Older events are still in the rows of their table.
"""

from collections.abc import Iterator
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
    records = []
    try:
        for record in _records(client, batch):
            change = record["dynamodb"]
            created = change["ApproximateCreationDateTime"].timestamp()
            records.append(
                {
                    **record,
                    "dynamodb": {**change, "ApproximateCreationDateTime": created},
                    "eventSourceARN": batch.stream_arn,
                }
            )
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in GONE_CODES:
            raise
    numbers = {int(record["dynamodb"]["SequenceNumber"]) for record in records}
    if not {int(batch.first), int(batch.last)} <= numbers:
        raise OperationRefused(
            "STREAM_FORGOT",
            f"{batch.table}'s stream no longer has the records {batch.first} to "
            f"{batch.last}. Their events are in the table: `sagashop replay` sends them to a "
            "consumer.",
        )
    return records


def _records(client: Any, batch: StreamBatch) -> Iterator[dict[str, Any]]:
    """Yields the records from the first on, until one has the last's number or a higher one."""
    iterator = client.get_shard_iterator(
        StreamArn=batch.stream_arn,
        ShardId=batch.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch.first,
    )["ShardIterator"]
    for _ in range(MOST_PAGES):
        page = client.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            yield record
            if int(record["dynamodb"]["SequenceNumber"]) >= int(batch.last):
                return
        if not (iterator := page.get("NextShardIterator")):
            return
