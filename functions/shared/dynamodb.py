"""DynamoDB as the repositories see it: plain dicts, typed failures, one client per process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NotConnected

from shared.errors import StorageContention

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

type Item = Mapping[str, Any]
"""What a row holds: text, integers, booleans, None, and lists and dicts of them."""

_serializer = TypeSerializer()
_CONDITION_FAILED = "ConditionalCheckFailed"
_CONTENTION = frozenset(
    {
        # The codes of single calls ...
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
        # ... and the reasons in a cancelled transaction.
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)


class ConditionFailed(Exception):
    """A write's condition did not hold, so nothing was written.

    `failed` maps the position of each such item in the transaction (0 for a single write) to the
    row that was there, or to None where there was none or it was not asked for with
    `ReturnValuesOnConditionCheckFailure="ALL_OLD"`.
    """

    def __init__(self, failed: Mapping[int, Item | None]) -> None:
        super().__init__(f"conditions failed at {sorted(failed)}")
        self.failed = failed


@cache
def client() -> "DynamoDBClient":
    """Returns the process's one client: it fails fast, because the saga's retries wait longer."""
    return boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=1,
            read_timeout=5,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )


@contextmanager
def typed_failures() -> Iterator[None]:
    """Turns DynamoDB's error codes into ConditionFailed and StorageContention.

    A failed condition wins over contention in the same transaction: it is an answer, where
    contention only says that there was none. No answer at all is contention too: every write here
    may be repeated. Every other ClientError passes as it is.
    """
    try:
        yield
    except (NotConnected, HTTPClientError) as exc:
        raise StorageContention(str(exc)) from exc
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed({0: _old_item(exc.response)}) from exc
        if code in _CONTENTION:
            raise StorageContention(code) from exc
        if code == "TransactionCanceledException":
            reasons: Sequence[Mapping[str, Any]] = exc.response.get("CancellationReasons", [])
            failed = {
                position: _old_item(reason)
                for position, reason in enumerate(reasons)
                if reason.get("Code") == _CONDITION_FAILED
            }
            if failed:
                raise ConditionFailed(failed) from exc
            if any(reason.get("Code") in _CONTENTION for reason in reasons):
                raise StorageContention(code) from exc
        raise


def transact_write(dynamodb: "DynamoDBClient", items: Sequence["TransactWriteItemTypeDef"]) -> None:
    """Writes all items or none. Raises ConditionFailed, StorageContention, or the ClientError."""
    with typed_failures():
        dynamodb.transact_write_items(TransactItems=items)


def get_row(
    dynamodb: "DynamoDBClient", table: str, key: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Returns the row under `key` (in wire format) as it is now; raises StorageContention."""
    with typed_failures():
        response = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)
    return from_item(response["Item"]) if "Item" in response else None


def query_rows(
    dynamodb: "DynamoDBClient", table: str, condition: str, values: Item, **options: Any
) -> Iterator[dict[str, Any]]:
    """Yields the rows whose keys meet `condition`, all pages; raises StorageContention."""
    return map(from_item, query_items(dynamodb, table, condition, values, **options))


def query_items(
    dynamodb: "DynamoDBClient", table: str, condition: str, values: Item, **options: Any
) -> Iterator[dict[str, Any]]:
    """Yields what `query_rows` does, in wire format."""
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=to_item(values),
        **options,
    )
    with typed_failures():
        for page in pages:
            yield from page["Items"]


def to_item(values: Item) -> dict[str, Any]:
    """Returns a row in DynamoDB's wire format; raises TypeError for what a row cannot hold.

    That is a float in particular: amounts and quantities are integers, and a float would round
    them.
    """
    return {name: _serializer.serialize(value) for name, value in values.items()}


def from_item(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a row from DynamoDB's wire format as plain values; the inverse of `to_item`."""
    return {name: _from_attribute(attribute) for name, attribute in attributes.items()}


def _old_item(reason: Mapping[str, Any]) -> Item | None:
    attributes = reason.get("Item")
    return from_item(attributes) if attributes else None


def _from_attribute(attribute: Mapping[str, Any]) -> Any:
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return from_item(value)
        case "L":
            return [_from_attribute(element) for element in value]
    raise TypeError(f"a row should not hold an attribute of type {kind}")
