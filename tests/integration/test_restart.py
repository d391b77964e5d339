"""A second store, beside the one of the other tests, is stopped, killed, and started again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable
from sagashop_ops.audit import read_books
from sagashop_ops.aws import client_of
from sagashop_ops.client import Json, Line, StoreClient
from sagashop_ops.stack import Stack
from support.engines import is_running
from support.kill import TOKENS, VICTIMS, Crowd, kill, sweep_until_all_have_ended
from support.outage import configure, step_failures
from support.stores import new_store, run_cli, what_is_wrong
from support.waiting import eventually

# Stopping and starting a store over and over takes a minute.
pytestmark = pytest.mark.full

SKU = "product-001"
ORDERS = 50  # under way when a process is killed


@dataclass(frozen=True)
class Restarted:
    """A store after `down` and `up`, and what was known of it before."""

    stack: Stack
    store: StoreClient
    ended_order: Json
    interrupted_order: str
    processes: list[psutil.Process]


@pytest.fixture(scope="module")
def restarted(stack: dict[str, Any]) -> Iterator[Restarted]:
    """Stops the store while an order is under way, and starts it again."""
    port = (urlsplit(stack["endpoint_url"]).port or 0) + 2  # each takes two
    with new_store(port) as second:
        store = StoreClient(second.api_url)
        ended_order = store.wait_until_ended(store.place_order([Line(SKU, 2)], "tok_visa"))
        servers = [
            psutil.Process(record.pid)
            for record in ProcessTable(StorePaths(port).processes_file).records()
        ]
        workers = [worker for server in servers for worker in server.children(recursive=True)]
        interrupted_order = place_order_that_waits(second, store)
        run_cli("down", port=port)
        run_cli("up", port=port)
        yield Restarted(
            Stack.load(StorePaths(port).stack_file),
            StoreClient(second.api_url),
            ended_order,
            interrupted_order,
            [*servers, *workers],
        )


def place_order_that_waits(stack: Stack, store: StoreClient) -> str:
    """Places an order whose CommitStock cannot succeed before the engine is a new one."""
    aws = partial(client_of, stack)
    for name, environment in step_failures(
        asdict(stack), aws, "CommitStock", rate="error_rate"
    ).items():
        configure(name, aws, Environment=environment)
    order_id = store.place_order([Line(SKU, 3)], "tok_visa")
    eventually(lambda: store.order(order_id)["status"], until=lambda status: status == "PAID")
    return order_id


def test_none_of_its_processes_survived_the_stop(restarted: Restarted) -> None:
    assert len(restarted.processes) > 2
    assert not [process for process in restarted.processes if is_running(process.pid)]


def test_an_order_from_before_is_still_there(restarted: Restarted) -> None:
    order = restarted.store.order(restarted.ended_order["order_id"])

    assert order == restarted.ended_order
    assert order["status"] == "COMPLETED"


def test_an_order_that_was_under_way_is_finished(restarted: Restarted) -> None:
    order = restarted.store.wait_until_ended(restarted.interrupted_order)

    assert order["status"] == "COMPLETED"


def test_the_stock_is_what_was_left(restarted: Restarted) -> None:
    restarted.store.wait_until_ended(restarted.interrupted_order)

    assert restarted.store.product(SKU)["available"] == 95


def test_its_books_add_up(restarted: Restarted) -> None:
    eventually(lambda: what_is_wrong(read_books(restarted.stack)), until=lambda wrong: not wrong)


def test_the_store_beside_it_never_noticed(
    restarted: Restarted, stack: dict[str, Any], store: StoreClient
) -> None:
    assert restarted.stack.endpoint_url != stack["endpoint_url"]
    assert store.get("/order/health")["status"] == "ok"
    with pytest.raises(requests.HTTPError, match="404"):
        store.order(restarted.ended_order["order_id"])


@pytest.mark.parametrize("victim", VICTIMS)
def test_no_order_is_lost_when_a_process_is_killed(victim: str, restarted: Restarted) -> None:
    # Given customers who order, and orders under way
    stack = restarted.stack
    port = urlsplit(stack.endpoint_url).port
    assert port is not None
    before = read_books(stack).orders.keys()
    crowd = Crowd(restarted.store, "product-002")

    def strike() -> None:
        # When a process is killed in the middle of it, and the store is brought up again
        kill(victim, port)
        run_cli("up", port=port)

    order_ids = crowd.order(ORDERS, strike)

    # Then every order exists, once, and ends; and the books add up
    statuses = sweep_until_all_have_ended(stack, order_ids)
    assert len(statuses) == ORDERS
    assert read_books(stack).orders.keys() - before == statuses.keys()
    assert Counter(statuses.values()) == Counter(
        "COMPLETED" if TOKENS[number % len(TOKENS)] == "tok_visa" else "CANCELLED"
        for number in range(ORDERS)
    )
    eventually(lambda: what_is_wrong(read_books(stack)), until=lambda wrong: not wrong)
