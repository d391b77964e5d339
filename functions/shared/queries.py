"""Queries between services: only a service reads its table, so its function is asked."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from shared.fields import Fields
from shared.logging import logger
from shared.storage import Row, Table

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class QueryFailed(Exception):
    """The other service's function was reached and failed with an error of the type `error`."""

    def __init__(self, function: str, error: str) -> None:
        # Only the type: a message may quote what the function was working on.
        super().__init__(f"{function} failed with {error}")
        self.error = error


def ask(function: str, question: Mapping[str, Any], *, timeout: float = 8) -> Mapping[str, Any]:
    """Returns the answer of the function, which is given by name or ARN.

    It is asked twice at most, and waited for `timeout` seconds each time. Raises QueryFailed, or
    botocore's errors where the function was not reached.
    """
    client = _client(timeout)
    response = client.invoke(FunctionName=function, Payload=json.dumps(question).encode())
    answer: Mapping[str, Any] = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        # A function that was killed has no type of error, only a message.
        raise QueryFailed(function, answer.get("errorType", "an unknown error"))
    return answer


def ask_if_possible(
    function: str, question: Mapping[str, Any], *, timeout: float
) -> Mapping[str, Any] | None:
    """Returns what `ask` does, or None where no answer comes: for who can do without it."""
    try:
        return ask(function, question, timeout=timeout)
    except (QueryFailed, BotoCoreError, ClientError):
        logger.warning("query not answered", asked=function, exc_info=True)
        return None


def owed[R: Row](
    fields: Fields, table: Table[R], view: Callable[[R], dict[str, Any]]
) -> dict[str, Any]:
    """Answers what a service still holds of orders: `{"order_ids"}` -> `{"owed": {id: view}}`.

    An order without a row is left out. Raises ValidationFailed and StorageContention.
    """
    order_ids = fields.texts("order_ids")
    fields.check()
    return {"owed": {row.order_id: view(row) for row in table.find_all(order_ids)}}


@cache
def _client(timeout: float) -> "LambdaClient":
    return boto3.client(
        "lambda",
        config=Config(
            connect_timeout=1,
            read_timeout=timeout,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )
