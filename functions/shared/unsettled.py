"""The sparse index of the rows that a sweep has yet to check: see `shared.sweeping`.

A row with the attribute `unsettled` is in the index of that name, ordered by `updated_at`; one
without it is not.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.clock import to_iso
from shared.dynamodb import query_rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MARK = "Y"
"""What the attribute holds: all rows are in one partition of the index."""


def rows(dynamodb: "DynamoDBClient", table: str, before: datetime) -> Iterator[dict[str, Any]]:
    """Yields the marked rows that were last written before `before`, the oldest first.

    Raises StorageContention.
    """
    condition = "unsettled = :mark AND updated_at < :before"
    values = {":mark": MARK, ":before": to_iso(before)}
    return query_rows(dynamodb, table, condition, values, IndexName="unsettled")
