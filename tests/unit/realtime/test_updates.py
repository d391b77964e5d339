"""What clients are told when an order changes, and when an account is deleted."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from builders import ACCOUNT_ID, ORDER_ID, PLACED_AT, an_order
from order.views import order_view
from realtime import handler
from realtime.orders import OrderState
from realtime.repository import ConnectionTable
from shared import dynamodb
from shared.tokens import Tokens
from unit.realtime.conftest import OWNED_ID, Connect
from unit.realtime.fakes import FakeClients, FakeOrders

PAID = an_order().paid().build()


def deliver(context: Any, *events: tuple[str, str]) -> list[str]:
    """Hands the function a batch of events, `(type, subject's id)`; returns which failed."""
    sources = {"OrderChanged": "order.changes", "AccountDeleted": "account"}
    records = []
    for number, (event_type, subject_id) in enumerate(events):
        subject = "account_id" if subject_id.startswith("acc_") else "order_id"
        metadata = {"event_id": "e", "correlation_id": "c", "trace_id": "t"}
        event = {
            "source": f"sagashop.{sources.get(event_type, 'order')}",
            "detail-type": event_type,
            "detail": {"metadata": metadata, "data": {subject: subject_id}},
        }
        records.append(
            {"messageId": str(number), "eventSource": "aws:sqs", "body": json.dumps(event)}
        )
    failures = handler.handler({"Records": records}, context)["batchItemFailures"]
    return [failure["itemIdentifier"] for failure in failures]


@pytest.fixture
def paid(orders: FakeOrders) -> Mapping[str, Any]:
    """The guest's order, which is paid by now."""
    view = order_view(PAID, PLACED_AT)
    orders.states[ORDER_ID] = OrderState(PAID.version, view)
    return view


def test_everybody_who_watches_an_order_is_told_of_its_change(
    connect: Connect, clients: FakeClients, paid: Mapping[str, Any], lambda_context: Any
) -> None:
    # Given
    for name in ("c1", "c2"):
        connect(name).subscribe()
    connect("c3")

    # When
    failed = deliver(lambda_context, ("OrderChanged", ORDER_ID))

    # Then
    message = {"type": "order", "sequence": PAID.version, "order": json.loads(json.dumps(paid))}
    assert failed == []
    assert clients.heard == {"c1": [message], "c2": [message]}


def test_an_order_that_nobody_watches_is_not_asked_for(
    connect: Connect, orders: FakeOrders, lambda_context: Any
) -> None:
    connect()

    assert deliver(lambda_context, ("OrderChanged", ORDER_ID)) == []
    assert orders.asked == 0


def test_who_is_gone_is_forgotten_and_keeps_nobody_waiting(
    connect: Connect,
    clients: FakeClients,
    connections: ConnectionTable,
    lambda_context: Any,
) -> None:
    # Given
    for name in ("c1", "c2", "c3"):
        connect(name).subscribe()
    clients.gone = {"c2"}

    # When
    assert deliver(lambda_context, ("OrderChanged", ORDER_ID)) == []

    # Then
    assert clients.heard.keys() == {"c1", "c3"}
    assert connections.watchers(ORDER_ID) == ["c1", "c3"]
    assert dynamodb.client().scan(TableName="sagashop-unit")["Count"] == 4


def test_what_is_left_of_a_connection_is_removed_once_it_is_found(
    connect: Connect, clients: FakeClients, connections: ConnectionTable, lambda_context: Any
) -> None:
    """Its row expired, or went half way through its removal."""
    # Given
    connect().subscribe()
    key = dynamodb.to_item({"pk": "CONNECTION#c1", "sk": "CONNECTION"})
    dynamodb.client().delete_item(TableName="sagashop-unit", Key=key)
    clients.gone = {"c1"}

    # When
    deliver(lambda_context, ("OrderChanged", ORDER_ID))

    # Then
    assert connections.watchers(ORDER_ID) == []


def test_a_client_that_cannot_be_reached_costs_no_other_its_message_and_gets_it_later(
    connect: Connect, clients: FakeClients, lambda_context: Any
) -> None:
    # Given
    for name in ("c1", "c2", "c3"):
        connect(name).subscribe()
    clients.failing = {"c1"}

    # When
    failed = deliver(lambda_context, ("OrderChanged", ORDER_ID))

    # Then
    assert failed == ["0"]
    assert clients.heard.keys() == {"c2", "c3"}

    # When
    clients.failing = set()
    assert deliver(lambda_context, ("OrderChanged", ORDER_ID)) == []

    # Then
    assert clients.heard.keys() == {"c1", "c2", "c3"}


def test_an_order_that_cannot_be_read_is_told_of_later(
    connect: Connect, orders: FakeOrders, lambda_context: Any
) -> None:
    connect().subscribe()
    orders.is_busy = True

    assert deliver(lambda_context, ("OrderChanged", OWNED_ID), ("OrderChanged", ORDER_ID)) == ["1"]


def test_a_deleted_accounts_connections_end(
    connect: Connect,
    clients: FakeClients,
    connections: ConnectionTable,
    stack_tokens: Tokens,
    frozen_clock: Any,
    lambda_context: Any,
) -> None:
    # Given
    token = stack_tokens.for_account(ACCOUNT_ID, "customer", frozen_clock.now())
    connect("guest").subscribe()
    for name in ("phone", "laptop"):
        connect(name, token).subscribe(OWNED_ID)

    # When
    assert deliver(lambda_context, ("AccountDeleted", ACCOUNT_ID)) == []

    # Then
    assert sorted(clients.disconnected) == ["laptop", "phone"]
    assert connections.watchers(OWNED_ID) == []
    assert connections.watchers(ORDER_ID) == ["guest"]


def test_what_else_may_come_is_nobodys_business(
    connect: Connect, clients: FakeClients, lambda_context: Any
) -> None:
    connect().subscribe()

    assert deliver(lambda_context, ("OrderPlaced", ORDER_ID)) == []
    assert clients.heard == {}


def test_an_update_is_logged_with_what_links_it_to_its_order(
    connect: Connect, lambda_context: Any, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    connect().subscribe()

    deliver(lambda_context, ("OrderChanged", ORDER_ID))

    line = logged()[-1]
    assert (line["message"], line["clients"], line["order_id"]) == ("update sent", 1, ORDER_ID)
