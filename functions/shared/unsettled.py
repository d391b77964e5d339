"""The sparse index of the rows that a sweep has yet to check: see `shared.sweeping`.

A row with the attribute `unsettled` is in the index of that name, ordered by `updated_at`; one
without it is not.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clock import to_iso
from shared.dynamodb import ConditionFailed, from_item, to_item, typed_failures
from shared.errors import StorageContention

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MARK = "Y"
"""What the attribute holds: all rows are in one partition of the index."""


def rows(dynamodb: "DynamoDBClient", table: str, before: datetime) -> Iterator[dict[str, Any]]:
    """Yields the marked rows that were last written before `before`, the oldest first.

    Raises StorageContention.
    """
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName="unsettled",
        KeyConditionExpression="unsettled = :mark AND updated_at < :before",
        ExpressionAttributeValues=to_item({":mark": MARK, ":before": to_iso(before)}),
    )
    with typed_failures():
        for page in pages:
            yield from map(from_item, page["Items"])


def settle(dynamodb: "DynamoDBClient", table: str, key: dict[str, Any], version: int) -> None:
    """Removes a row's mark; raises StorageContention where the row has another version by now."""
    try:
        with typed_failures():
            dynamodb.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="REMOVE unsettled",
                ConditionExpression="version = :version",
                ExpressionAttributeValues=to_item({":version": version}),
            )
    except ConditionFailed as refused:
        raise StorageContention("another step changed the row") from refused
