"""The running store that the integration and browser tests share; other tests never ask for it."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from sagashop_ops.audit import Books, read_books
from sagashop_ops.aws import client_of
from sagashop_ops.client import StoreClient
from sagashop_ops.prices import first_price
from sagashop_ops.sessions import signed_in
from sagashop_ops.stack import DEFAULT_PORT, Stack
from support.api_answers import compared
from support.stores import new_store, what_is_wrong
from support.waiting import eventually

pytest_plugins = ["support.saga_coverage", "support.model_coverage", "support.api_coverage"]

# As many connections as the busiest test has callers.
CONNECTIONS = 40


USE_THE_STORE = ("tests/integration/", "tests/chaos/", "tests/e2e/")
# The servers of these are their own.
USE_NO_STORE = (
    "tests/integration/engine/test_dynamodb_server.py",
    "tests/integration/engine/test_patches.py",
    "tests/integration/lambda_runtime/test_worker_limit.py",
    "tests/integration/lambda_runtime/test_worker_process.py",
)


class StoreByOneWorker(LoadScopeScheduling):
    """Gives all tests of the store to one worker of a run; the others do what needs none."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::", maxsplit=1)[0]
        return (
            "store" if module.startswith(USE_THE_STORE) and module not in USE_NO_STORE else module
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> StoreByOneWorker:
    """Has a run with several workers scheduled so."""
    return StoreByOneWorker(config, log)


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """A store's stack.json: of a store of the tests' own, or of the one that SAGASHOP_STACK names.

    What its HTTP API answers to the tests is compared with docs/openapi.yaml.

    The tests' own store is on port SAGASHOP_TEST_PORT (4599 by default), begins with new books, and
    has to end with every order ended and books that add up.
    """
    given = os.environ.get("SAGASHOP_STACK")
    if given:
        named = Stack.load(Path(given))
        with compared(named.api_url):
            yield asdict(named)
        return
    port = int(os.environ.get("SAGASHOP_TEST_PORT", "4599"))
    if port == DEFAULT_PORT:
        pytest.exit(f"SAGASHOP_TEST_PORT={port} is your own store: its orders would be lost.")
    with new_store(port) as stack, compared(stack.api_url):
        yield asdict(stack)
        eventually(lambda: what_is_wrong(read_books(stack)), until=lambda wrong: not wrong)


@pytest.fixture(scope="session")
def store(stack: dict[str, Any]) -> StoreClient:
    """The store's HTTP API."""
    return StoreClient(
        stack["api_url"], CONNECTIONS, lambda: signed_in(Stack(**stack)).access_token
    )


@pytest.fixture(scope="session")
def aws(stack: dict[str, Any]) -> Callable[[str], Any]:
    """Returns the store's boto3 client of a service: `aws("dynamodb")`."""
    return cache(lambda service: client_of(Stack(**stack), service, CONNECTIONS))


@pytest.fixture(scope="session")
def books(stack: dict[str, Any]) -> Callable[[], Books]:
    """Reads the rows that hold stock and money, as they are now."""
    return lambda: read_books(Stack(**stack))


@pytest.fixture(scope="session")
def new_product(stack: dict[str, Any], aws: Callable[[str], Any]) -> Callable[..., str]:
    """Adds a product of the test's own to the catalogue, as seeding does; returns its SKU."""

    def add(units: int = 100, price_cents: int = 1250) -> str:
        sku = f"test-{uuid.uuid4().hex[:12]}"
        words = {
            "pk": "PRODUCT",
            "sk": sku,
            "name": "Teapot",
            "description": "Holds tea, and a test together.",
            "currency": "USD",
        }
        numbers = {
            "price_cents": price_cents,
            "available": units,
            "reserved": 0,
            "sold": 0,
            "seeded": units,
            "version": 1,
        }
        aws("dynamodb").put_item(
            TableName=stack["tables"]["inventory"],
            Item={name: {"S": word} for name, word in words.items()}
            | {name: {"N": str(number)} for name, number in numbers.items()}
            | {"prices": first_price(price_cents)},
        )
        return sku

    return add
