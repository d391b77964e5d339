"""A second store, beside the one of the other tests, is stopped, killed, and started again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable
from sagashop_local.servers import ENGINE
from sagashop_ops.audit import read_books
from sagashop_ops.aws import Deployment, client_of
from sagashop_ops.client import ENDED, Json, Line, StoreClient
from sagashop_ops.journal import Journal
from sagashop_ops.mail import sent_mail
from sagashop_ops.replay import CONSUMERS, events_of, replay
from sagashop_ops.stack import Stack
from support.engines import is_running
from support.kill import (
    PATIENCE_SECONDS,
    TOKENS,
    VICTIMS,
    Crowd,
    Event,
    kill,
    missing_in_timelines,
    published_events,
    repeated_mail,
    sweep_until_all_have_ended,
    without_mail,
)
from support.outage import configure, step_failures
from support.saga import Saga
from support.stores import new_store, run_cli, what_is_wrong
from support.waiting import eventually

# Stopping and starting a store over and over takes a minute.
pytestmark = pytest.mark.full

SKU = "product-001"
ORDERS = 50  # under way when a process is killed
OWN_EVENTS = ["OrderPlaced", "OrderCompleted"]
ENDS = ("OrderCompleted", "OrderCancelled")
MESSAGES = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


@dataclass(frozen=True)
class Restarted:
    """A store after `down` and `up`, and what was known of it before."""

    stack: Stack
    store: StoreClient
    ended_order: Json
    interrupted_order: str
    processes: list[psutil.Process]

    @property
    def port(self) -> int:
        port = urlsplit(self.stack.endpoint_url).port
        assert port is not None
        return port


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
            store,
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


def place_order_without_consumers(stack: Stack, store: StoreClient) -> str:
    """Places an order that completes while its events wait in the queues of their consumers."""
    deployment = Deployment.of(stack)
    functions, sqs = deployment.client("lambda"), deployment.client("sqs")
    consumers = [CONSUMERS["SendNotification"], CONSUMERS["RecordEvent"]]
    for consumer in consumers:
        functions.put_function_concurrency(
            FunctionName=f"{stack.stack_name}-{consumer.name}", ReservedConcurrentExecutions=0
        )
    order_id = store.place_order([Line(SKU, 2)], "tok_visa")
    assert store.wait_until_ended(order_id)["status"] == "COMPLETED"
    # The rules send the order service's events to one of them, and all others to the other.
    of_the_order = Counter(
        event.service == "order" for event in published_events(stack, [order_id])
    )
    for consumer, is_own in zip(consumers, (True, False), strict=True):
        eventually(
            partial(
                sqs.get_queue_attributes,
                QueueUrl=deployment.resources[consumer.queue or ""],
                AttributeNames=MESSAGES,
            ),
            until=partial(holds, of_the_order[is_own]),
        )
    return order_id


def holds(messages: int, queue: Json) -> bool:
    return sum(int(queue["Attributes"][name]) for name in MESSAGES) >= messages


def orders_that_ended(store: StoreClient, order_ids: list[str]) -> list[str]:
    return [order_id for order_id in order_ids if store.order(order_id)["status"] in ENDED]


def saga_of(stack: Stack, store: StoreClient) -> Saga:
    return Saga(asdict(stack), store, partial(client_of, stack))


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
    stack, store = restarted.stack, restarted.store
    before = read_books(stack).orders.keys()
    crowd = Crowd(store, "product-002")
    killed_at, ended_before = datetime.max.replace(tzinfo=UTC), list[str]()

    def strike() -> None:
        # When a process is killed in the middle of it, and the store is brought up again
        nonlocal killed_at
        ended_before.extend(eventually(lambda: orders_that_ended(store, list(crowd.placed))))
        killed_at = kill(victim, restarted.port)
        run_cli("up", port=restarted.port)

    order_ids = crowd.order(ORDERS, strike)

    # Then every order exists, once, and ends; and the books add up
    statuses = sweep_until_all_have_ended(stack, store, order_ids)
    assert len(statuses) == ORDERS
    assert read_books(stack).orders.keys() - before == statuses.keys()
    assert Counter(statuses.values()) == Counter(
        "COMPLETED" if TOKENS[number % len(TOKENS)] == "tok_visa" else "CANCELLED"
        for number in range(ORDERS)
    )
    eventually(lambda: what_is_wrong(read_books(stack)), until=lambda wrong: not wrong)

    # And everybody hears of it, once; but what had been handed to the engine when that was killed
    # is lost: its executions, its mailbox, and the events in its queues
    def unheard() -> list[Event]:
        events = published_events(stack, statuses.keys())
        missing = [*missing_in_timelines(store, events), *without_mail(stack, events)]
        return [event for event in missing if victim != ENGINE or event.occurred_at >= killed_at]

    eventually(unheard, until=lambda events: not events, timeout=PATIENCE_SECONDS, every=1.0)
    own = published_events(stack, statuses.keys())
    assert not [event for event in missing_in_timelines(store, own) if event.service == "order"]
    ends = Counter(event.order_id for event in own if event.type in ENDS)
    assert ends == Counter(statuses.keys())
    for first, *again in repeated_mail(stack, statuses.keys()):
        assert len(again) == 1
        assert first.sent_at <= killed_at  # by a worker that died before it could record that
    executions = set(saga_of(stack, store).executions())
    if victim == ENGINE:
        assert not executions.intersection(ended_before)
        assert all(mail.sent_at > killed_at for mail in sent_mail(stack))
    else:
        assert executions >= statuses.keys()


def test_a_killed_engine_loses_its_executions_its_mailbox_and_what_is_in_its_queues(
    restarted: Restarted,
) -> None:
    stack, store = restarted.stack, restarted.store
    saga = saga_of(stack, store)
    # Given an order that ended, and two consumers that leave its events in their queues
    order_id = place_order_without_consumers(stack, store)
    assert order_id in saga.executions()

    # When the engine is killed, and the store is brought up again
    killed_at = kill(ENGINE, restarted.port)
    run_cli("up", port=restarted.port)

    # Then what the services wrote is as it was: the order, its events, its money and its stock
    assert store.order(order_id)["status"] == "COMPLETED"
    assert not what_is_wrong(read_books(stack))
    events = published_events(stack, [order_id])
    assert [event.type for event in events if event.service == "order"] == OWN_EVENTS
    # And its execution and the mail of the time before are forgotten
    assert order_id not in saga.executions()
    assert all(mail.sent_at > killed_at for mail in sent_mail(stack))
    # And its mail is never sent, and its timeline never shows what the other services did: what a
    # later order's events have to pass is empty
    later = store.place_order([Line(SKU, 1)], "tok_visa")
    store.wait_until_ended(later)
    new = published_events(stack, [later])
    eventually(
        lambda: [*missing_in_timelines(store, new), *without_mail(stack, new)],
        until=lambda missing: not missing,
    )
    assert {event.service for event in missing_in_timelines(store, events)} == {
        "inventory",
        "payment",
        "shipping",
    }
    assert [event.type for event in without_mail(stack, events)] == OWN_EVENTS

    # And a replay sends the mail: the order's log has its events
    deployment = Deployment.of(stack)
    consumer, own = CONSUMERS["SendNotification"], events_of(deployment, order_id)
    assert list(replay(deployment, Journal.of(deployment), consumer, own))
    eventually(lambda: without_mail(stack, events), until=lambda missing: not missing)
