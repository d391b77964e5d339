"""How often a caller may do something: counters in the service's own table, one per time window.

    LIMIT#<what>#<digest of the caller>#<window>  LIMIT    hits, expires_at

The windows are fixed, so that a counter is one row and one write. At the border of two of them a
caller may do twice as much: limits slow attackers down, and need not be exact. DynamoDB deletes a
row after its window (TTL).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.dynamodb import ConditionFailed, to_item, typed_failures
from shared.errors import TooManyRequests
from shared.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Enough that no two callers share a counter; and a table does not show who they are.
_DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` times in `seconds`; `what` names it in the counter's key."""

    what: str
    most: int
    seconds: int


def digest_of(caller: str) -> str:
    """Returns what stands for a caller in a table."""
    return hashlib.sha256(caller.encode()).hexdigest()[:_DIGEST_LENGTH]


class Limiter:
    """Counts what callers do."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def count(self, limit: Limit, caller: str, at: datetime) -> None:
        """Counts one more of what the limit is for.

        Raises TooManyRequests where the caller has none left in this window, which is then not
        counted, and StorageContention.
        """
        now = int(at.timestamp())
        window = now // limit.seconds
        ends = (window + 1) * limit.seconds
        try:
            with typed_failures():
                self._dynamodb.update_item(
                    TableName=self._table,
                    Key=to_item(
                        {"pk": f"LIMIT#{limit.what}#{digest_of(caller)}#{window}", "sk": "LIMIT"}
                    ),
                    UpdateExpression="SET expires_at = :ends ADD hits :one",
                    ConditionExpression="attribute_not_exists(hits) OR hits < :most",
                    ExpressionAttributeValues=to_item(
                        {":ends": ends, ":one": 1, ":most": limit.most}
                    ),
                )
        except ConditionFailed as refused:
            logger.warning("limit reached", limit=limit.what)
            raise TooManyRequests(retry_after=ends - now) from refused
