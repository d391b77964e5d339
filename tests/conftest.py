"""The running store that the integration and browser tests share; other tests never ask for it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sagashop_cli.audit import Books, audit, read_books
from sagashop_cli.aws import local_client
from sagashop_cli.client import StoreClient
from sagashop_cli.paths import DEFAULT_PORT, StorePaths
from sagashop_cli.stack import Stack

# As many connections as the busiest test has callers.
CONNECTIONS = 40


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """A store's stack.json: of a fresh store of the tests' own, or the one that SAGASHOP_STACK names.

    The tests' own store is on port SAGASHOP_TEST_PORT (4599 by default), has new books, and is
    stopped when the session ends, by Ctrl-C too. It must leave books that add up.
    """
    given = os.environ.get("SAGASHOP_STACK")
    if given:
        yield json.loads(Path(given).read_text(encoding="utf-8"))
        return
    paths = StorePaths(int(os.environ.get("SAGASHOP_TEST_PORT", "4599")))
    if paths.port == DEFAULT_PORT:
        pytest.exit(f"SAGASHOP_TEST_PORT={paths.port} is your own store: its orders would be lost.")
    # A cancelled CI job gets SIGTERM, which would end us without a chance to stop the store.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_cli("down", port=paths.port)  # what a session that was killed left behind
        shutil.rmtree(paths.state, ignore_errors=True)
        run_cli("up", port=paths.port)
        yield json.loads(paths.stack_file.read_text(encoding="utf-8"))
        check_books(read_books(Stack.load(paths.stack_file)))
    finally:
        run_cli("down", port=paths.port)


@pytest.fixture(scope="session")
def store(stack: dict[str, Any]) -> StoreClient:
    """The store's HTTP API."""
    return StoreClient(stack["api_url"], pool_size=CONNECTIONS)


@pytest.fixture(scope="session")
def aws(stack: dict[str, Any]) -> Callable[[str], Any]:
    """Returns the store's boto3 client of a service: `aws("dynamodb")`."""
    return cache(lambda service: local_client(Stack(**stack), service, CONNECTIONS))


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
            | {name: {"N": str(number)} for name, number in numbers.items()},
        )
        return sku

    return add


def run_cli(*arguments: str, port: int) -> str:
    """Runs the command-line tool for the store on a port; returns what it printed.

    Fails with its output where its exit code isn't 0.
    """
    command = [sys.executable, "-m", "sagashop_cli.main", *arguments]
    result = subprocess.run(
        command,
        env=os.environ | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise AssertionError(f"`sagashop {' '.join(arguments)}` failed:\n{result.stdout}")
    return result.stdout


def check_books(books: Books) -> None:
    """Fails where stock or money went missing, or an order is still open."""
    report = audit(books)
    assert report.holds, "\n".join(report.discrepancies)
    assert report.open_orders == 0, f"orders that did not end: {report.orders_by_status}"
