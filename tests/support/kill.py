"""Kills a store's processes as `kill -9` does, while customers go on ordering."""

import contextlib
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import psutil
import requests

from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable
from sagashop_local.servers import DYNAMODB, ENGINE
from sagashop_ops.aws import Deployment, Row, call_function, rows, table_of
from sagashop_ops.client import ENDED, Line, StoreClient
from sagashop_ops.mail import Mail, sent_mail
from sagashop_ops.redrive import OperatorApi
from sagashop_ops.stack import Stack
from support.waiting import eventually

WORKERS = "workers"
VICTIMS = (WORKERS, DYNAMODB, ENGINE)
CALLERS = 4
# Paid at once and good, mostly; the others take the longer ways.
TOKENS = ("tok_visa", "tok_visa", "tok_visa", "tok_declined", "tok_lost_reply")
PATIENCE_SECONDS = 240.0


# The events that somebody gets mail about.
MAILED = frozenset(
    {"OrderPlaced", "PaymentRequested", "OrderCompleted", "OrderCancelled", "OrderNeedsAttention"}
)


class Event(NamedTuple):
    """An event in the outbox of the service that published it."""

    order_id: str
    event_id: str
    type: str
    service: str
    occurred_at: datetime


def kill(victim: str, port: int) -> datetime:
    """Kills a server of the store on a port, or all of its workers; returns when it did."""
    record = ProcessTable(StorePaths(port).processes_file).running(
        ENGINE if victim == WORKERS else victim
    )
    assert record is not None, f"{victim} has died by itself"
    server = psutil.Process(record.pid)
    for process in server.children(recursive=True) if victim == WORKERS else [server]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return datetime.now(UTC)


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


def sweep_until_all_have_ended(
    stack: Stack, store: StoreClient, order_ids: Sequence[str]
) -> dict[str, str]:
    """Has the sweeper come by until every order has ended; returns their statuses.

    What a dying server made a compensation give up is parked, and no sweeper's: that is redriven.
    """
    deployment = Deployment.of(stack)
    operator = OperatorApi.of(deployment)

    def sweep() -> dict[str, str]:
        call_function(deployment, "SweepOrders", {"grace_seconds": 0})
        statuses = {order_id: store.order(order_id)["status"] for order_id in order_ids}
        for order_id, status in statuses.items():
            if status == "NEEDS_ATTENTION":
                operator.redrive(order_id, "the server runs again")
        return statuses

    return eventually(
        sweep,
        until=lambda statuses: set(statuses.values()) <= ENDED - {"NEEDS_ATTENTION"},
        timeout=PATIENCE_SECONDS,
        every=1.0,
    )


def published_events(stack: Stack, order_ids: Collection[str]) -> list[Event]:
    """Returns every event of some orders, oldest first, as the services wrote them."""
    events = [
        Event(
            order_id,
            row["event_id"],
            row["detail_type"],
            service,
            datetime.fromisoformat(row["occurred_at"]),
        )
        for service in ("order", "inventory", "payment", "shipping")
        for row in _rows_of(stack, service, "outbox_event")
        if (order_id := json.loads(row["detail"])["data"]["order_id"]) in order_ids
    ]
    return sorted(events, key=lambda event: event.occurred_at)


def missing_in_timelines(store: StoreClient, events: Collection[Event]) -> list[Event]:
    """Returns the events that the timelines of their orders do not show."""
    shown = {
        order_id: {entry["event_id"] for entry in store.timeline(order_id)}
        for order_id in {event.order_id for event in events}
    }
    return [event for event in events if event.event_id not in shown[event.order_id]]


def without_mail(stack: Stack, events: Collection[Event]) -> list[Event]:
    """Returns the events whose mail was neither sent nor skipped for a reason."""
    settled = {
        row["event_id"]
        for row in rows(table_of(stack, "notification"), "scan")
        if row.get("status") in ("SENT", "SKIPPED")
    }
    return [
        event
        for event in events
        if event.service == "order" and event.type in MAILED and event.event_id not in settled
    ]


def repeated_mail(stack: Stack, order_ids: Collection[str]) -> Iterator[list[Mail]]:
    """Yields the mail about each event that SES got more than once."""
    alike: defaultdict[tuple[str, ...], list[Mail]] = defaultdict(list)
    for mail in sent_mail(stack):
        if any(order_id in mail.text for order_id in order_ids):
            alike[(*mail.to, mail.subject)].append(mail)
    return (mails for mails in alike.values() if len(mails) > 1)


def _rows_of(stack: Stack, service: str, entity: str) -> Iterator[Row]:
    return rows(
        table_of(stack, service),
        "scan",
        FilterExpression="entity = :entity",
        ExpressionAttributeValues={":entity": entity},
    )
