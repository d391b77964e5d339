"""Asks another service what it knows, by invoking its function: its table is its own."""

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class QueryFailed(Exception):
    """The other service's function was reached and failed."""


def ask(function: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the answer of the function, which is given by name or ARN.

    Raises QueryFailed, or botocore's errors where the function was not reached.
    """
    response = _client().invoke(FunctionName=function, Payload=json.dumps(question).encode())
    answer: Mapping[str, Any] = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        # Its message may quote what it was working on; its type never does.
        raise QueryFailed(f"{function} failed with {answer.get('errorType')}")
    return answer


@cache
def _client() -> "LambdaClient":
    return boto3.client(
        "lambda",
        config=Config(
            connect_timeout=1,
            read_timeout=8,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )
