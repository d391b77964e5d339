"""Kills a store's processes as `kill -9` does, while customers go on ordering."""

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil
import requests

from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable
from sagashop_local.servers import DYNAMODB, ENGINE
from sagashop_ops.aws import Deployment, call_function
from sagashop_ops.client import ENDED, Line, StoreClient
from sagashop_ops.redrive import OperatorApi
from sagashop_ops.stack import Stack
from support.waiting import eventually

WORKERS = "workers"
VICTIMS = (WORKERS, DYNAMODB, ENGINE)
CALLERS = 4
# Paid at once and good, mostly; the others take the longer ways.
TOKENS = ("tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_lost_reply")
PATIENCE_SECONDS = 240.0


def kill(victim: str, port: int) -> None:
    """Kills a server of the store on a port, or all of its workers."""
    record = ProcessTable(StorePaths(port).processes_file).running(
        ENGINE if victim == WORKERS else victim
    )
    assert record is not None, f"{victim} has died by itself"
    server = psutil.Process(record.pid)
    for process in server.children(recursive=True) if victim == WORKERS else [server]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


@dataclass
class Crowd:
    """Customers who order at the same time, and again under the same key until they are heard."""

    store: StoreClient
    sku: str
    placed: list[str] = field(default_factory=list)

    def order(self, count: int, meanwhile: Callable[[], None]) -> list[str]:
        """Places so many orders, and `meanwhile` at a third of them; returns their ids."""
        with ThreadPoolExecutor(CALLERS) as callers:
            orders: list[Future[str]] = [
                callers.submit(self._insist, TOKENS[number % len(TOKENS)])
                for number in range(count)
            ]
            eventually(lambda: len(self.placed) > count // 3, every=0.01)
            meanwhile()
            return [order.result() for order in orders]

    def _insist(self, token: str) -> str:
        key = str(uuid.uuid4())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                order_id = self.store.place_order([Line(self.sku, 1)], token, key)
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                self.placed.append(order_id)
                return order_id


def sweep_until_all_have_ended(stack: Stack, order_ids: Sequence[str]) -> dict[str, str]:
    """Has the sweeper come by until every order has ended; returns their statuses.

    What a dying server made a compensation give up is parked, and no sweeper's: that is redriven.
    """
    deployment = Deployment.of(stack)
    operator = OperatorApi.of(deployment)
    store = StoreClient(stack.api_url)

    def sweep() -> dict[str, str]:
        call_function(deployment, "SweepOrders", {"grace_seconds": 0})
        statuses = {order_id: store.order(order_id)["status"] for order_id in order_ids}
        for order_id, status in statuses.items():
            if status == "NEEDS_ATTENTION":
                operator.redrive(order_id, "the test", "the server runs again")
        return statuses

    return eventually(
        sweep,
        until=lambda statuses: set(statuses.values()) <= ENDED - {"NEEDS_ATTENTION"},
        timeout=PATIENCE_SECONDS,
        every=1.0,
    )
