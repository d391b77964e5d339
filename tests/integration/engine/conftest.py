"""The engine's plug-ins, seen from outside; and DynamoDB servers of the tests' own."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.dynamodb_server import KEYS, STREAM, MortalDynamoDb
from support.lambda_functions import LambdaFunctions


@pytest.fixture(scope="module", autouse=True)
def _nothing_gets_lost() -> None:
    """These tests place no orders, so there are no books to look at."""


@pytest.fixture
def mortal_dynamodb(tmp_path: Path) -> Iterator[MortalDynamoDb]:
    server = MortalDynamoDb(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def functions(stack: dict[str, Any]) -> Iterator[LambdaFunctions]:
    """Functions on the running store's engine."""
    made = LambdaFunctions(stack["endpoint_url"], stack["region"])
    yield made
    made.delete_all()


@pytest.fixture
def table(aws: Callable[[str], Any]) -> Iterator[dict[str, Any]]:
    """A table with a stream on the running store's engine: its description."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield aws("dynamodb").create_table(TableName=name, **KEYS, **STREAM)["TableDescription"]
    aws("dynamodb").delete_table(TableName=name)
