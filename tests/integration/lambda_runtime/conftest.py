"""The running store's engine as a place for tiny functions, and engines of the tests' own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.engines import Engine, running_engine
from support.lambda_functions import LambdaFunctions


@pytest.fixture(scope="module", autouse=True)
def _nothing_gets_lost() -> None:
    """These tests place no orders, so there are no books to look at."""


@pytest.fixture
def functions(stack: dict[str, Any]) -> Iterator[LambdaFunctions]:
    """Functions on the running store's engine."""
    made = LambdaFunctions(stack["endpoint_url"], stack["region"])
    yield made
    made.delete_all()


@pytest.fixture(scope="session")
def small_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine that all tests of the cap share."""
    with running_engine(tmp_path_factory.mktemp("small-engine")) as engine:
        yield engine


@pytest.fixture
def mortal_engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine for a test that ends it."""
    with running_engine(tmp_path) as engine:
        yield engine
