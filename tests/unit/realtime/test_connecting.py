"""Connecting, subscribing, and leaving: what a client may do, and what it is answered."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from builders import ACCOUNT_ID, ORDER_ID, PLACED_AT, a_request
from realtime import domain, handler, wiring
from realtime.repository import ConnectionTable
from shared import dynamodb
from shared.errors import StorageContention
from shared.tokens import Tokens
from support.event_schemas import validate
from unit.realtime.conftest import OWNED_ID, Client, Connect
from unit.realtime.fakes import FakeOrders

STRANGER_ID = f"{ACCOUNT_ID[:-1]}9"


def rows() -> list[dict[str, Any]]:
    items = dynamodb.client().scan(TableName="sagashop-unit")["Items"]
    return sorted(map(dynamodb.from_item, items), key=lambda row: str(row["pk"]))


def test_a_connection_ends_by_itself_when_api_gateway_ends_it(connect: Connect) -> None:
    # Given
    client = connect()

    # When
    client.subscribe()

    # Then
    assert timedelta(hours=2) == domain.LIFETIME
    assert len(rows()) == 2
    assert {row["expires_at"] for row in rows()} == {int(PLACED_AT.timestamp()) + 2 * 3600}


@pytest.mark.parametrize("query", [None, {}, {"token": ""}, {"token": "not.a.token"}])
def test_who_has_no_valid_token_is_not_let_in(
    query: dict[str, str] | None,
    connections: ConnectionTable,
    stack_tokens: Tokens,
    lambda_context: Any,
) -> None:
    client = Client("c1", lambda_context, query).connect()

    assert client.response["statusCode"] == 401
    assert rows() == []


def test_an_expired_token_lets_nobody_in(
    connections: ConnectionTable, stack_tokens: Tokens, frozen_clock: Any, lambda_context: Any
) -> None:
    token = stack_tokens.for_account(ACCOUNT_ID, "operator", frozen_clock.now())
    frozen_clock.advance(minutes=15)

    client = Client("c1", lambda_context, {"token": token}).connect()

    assert client.response["statusCode"] == 401


def test_a_token_is_in_no_log(
    connect: Connect, stack_tokens: Tokens, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    connect().subscribe()

    assert stack_tokens.for_order(ORDER_ID, PLACED_AT) not in json.dumps(logged())
    assert {line["connection_id"] for line in logged()} == {"c1"}


def test_who_subscribes_gets_the_order_as_it_is(connect: Connect, orders: FakeOrders) -> None:
    answer = connect().subscribe()

    state = orders.states[ORDER_ID]
    assert answer == {"type": "order", "sequence": state.sequence, "order": state.order}
    validate("websocket/order", answer)


def test_a_subscription_stands_before_the_order_is_read(
    connect: Connect, connections: ConnectionTable, orders: FakeOrders
) -> None:
    """A change between the two is then sent: none is missed."""
    # Given
    client, find = connect(), orders.find
    watching: list[list[str]] = []

    def find_and_look(order_id: str) -> Any:
        watching.append(connections.watchers(order_id))
        return find(order_id)

    orders.find = find_and_look  # type: ignore[method-assign]

    # When
    client.subscribe()

    # Then
    assert watching == [["c1"]]


def test_a_repeated_subscription_is_answered_again_and_counts_once(connect: Connect) -> None:
    client = connect()

    assert client.subscribe() == client.subscribe()
    assert [row["orders"] for row in rows() if "orders" in row] == [[ORDER_ID]]


@pytest.mark.parametrize(
    ("subject", "order_id", "is_allowed"),
    [
        ((ACCOUNT_ID, "customer"), OWNED_ID, True),
        ((ACCOUNT_ID, "customer"), ORDER_ID, False),
        ((STRANGER_ID, "customer"), OWNED_ID, False),
        ((STRANGER_ID, "operator"), OWNED_ID, True),
        ((STRANGER_ID, "operator"), ORDER_ID, True),
        ((STRANGER_ID, "operator"), f"{ORDER_ID[:-1]}9", False),
        (None, ORDER_ID, True),
        (None, OWNED_ID, False),
        (None, f"{ORDER_ID[:-1]}9", False),
        (None, "ord_1", False),
    ],
    ids=str,
)
def test_an_order_is_opened_as_over_http(
    subject: tuple[str, Any] | None,
    order_id: str,
    is_allowed: bool,
    connect: Connect,
    connections: ConnectionTable,
    stack_tokens: Tokens,
    frozen_clock: Any,
) -> None:
    # Given
    now = frozen_clock.now()
    client = (
        connect() if subject is None else connect("c1", stack_tokens.for_account(*subject, now))
    )

    # When
    answer = client.subscribe(order_id)

    # Then
    validate(f"websocket/{answer['type']}", answer)
    if is_allowed:
        assert answer["order"]["order_id"] == order_id
        assert connections.watchers(order_id) == ["c1"]
    else:
        assert answer == {
            "type": "error",
            "code": "ORDER_NOT_FOUND",
            "detail": "There is no such order.",
        }


def test_who_may_not_open_an_order_does_not_watch_it(
    connect: Connect, connections: ConnectionTable
) -> None:
    connect().subscribe(OWNED_ID)

    assert connections.watchers(OWNED_ID) == []


@pytest.mark.parametrize("order_id", [None, "", 7, ["ord_1"]])
def test_a_subscription_names_an_order(order_id: Any, connect: Connect) -> None:
    answer = connect().send({"action": "subscribe", "order_id": order_id})

    validate("websocket/error", answer)
    assert answer["code"] == "VALIDATION_FAILED"
    assert answer["detail"].startswith("order_id: ")


@pytest.mark.parametrize("body", ["hello", "{", '{"action": "unsubscribe"}', ""])
def test_any_other_message_is_told_what_there_is(body: str, connect: Connect) -> None:
    response = connect().call("$default", body=body)

    answer = json.loads(response["body"])
    validate("websocket/error", answer)
    assert answer["code"] == "UNKNOWN_ACTION"
    assert "subscribe" in answer["detail"]


def test_a_connection_watches_a_page_of_orders_and_no_more(
    connect: Connect, stack_tokens: Tokens, orders: FakeOrders, frozen_clock: Any
) -> None:
    # Given
    client = connect("c1", stack_tokens.for_account(ACCOUNT_ID, "operator", frozen_clock.now()))
    ids = [f"{ORDER_ID[:-2]}{number:02}" for number in range(domain.MOST_ORDERS + 1)]
    orders.states.update(dict.fromkeys(ids, orders.states[ORDER_ID]))
    *first, last = ids

    # When
    answers = [client.subscribe(order_id)["type"] for order_id in first]

    # Then
    refusal = client.subscribe(last)
    validate("websocket/error", refusal)
    assert set(answers) == {"order"}
    assert refusal["code"] == "TOO_MANY_SUBSCRIPTIONS"
    assert client.subscribe(first[0])["type"] == "order"


def test_nobody_subscribes_on_a_connection_that_has_ended(
    connect: Connect, connections: ConnectionTable
) -> None:
    # Given
    client = connect()
    client.leave()

    # Then
    answer = client.subscribe()
    validate("websocket/error", answer)
    assert answer["code"] == "UNAUTHORIZED"
    assert rows() == []


def test_a_subscription_does_not_outlive_a_connection_that_ends_meanwhile(
    connect: Connect, connections: ConnectionTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    client, watch = connect(), connections.watch

    def leave_and_watch(*arguments: Any) -> None:
        client.leave()
        watch(*arguments)

    monkeypatch.setattr(connections, "watch", leave_and_watch)

    # Then
    assert client.subscribe()["code"] == "UNAUTHORIZED"
    assert rows() == []


def test_whoever_leaves_is_forgotten(connect: Connect, connections: ConnectionTable) -> None:
    # Given
    staying, leaving = connect("c1"), connect("c2")
    for client in (staying, leaving):
        client.subscribe()

    # When
    leaving.leave()

    # Then
    assert connections.watchers(ORDER_ID) == ["c1"]
    assert len(rows()) == 2


def test_a_busy_store_refuses_for_the_moment(
    connect: Connect, orders: FakeOrders, monkeypatch: pytest.MonkeyPatch, lambda_context: Any
) -> None:
    # Given
    client = connect()
    orders.is_busy = True

    # Then
    answer = client.subscribe()
    validate("websocket/error", answer)
    assert answer["code"] == "SERVICE_BUSY"

    # When
    def fail(*_: Any) -> None:
        raise StorageContention("throttled")

    monkeypatch.setattr(wiring.connections(), "add", fail)

    # Then
    assert Client("c2", lambda_context, client.query).connect().response["statusCode"] == 503


def test_the_service_says_that_it_is_there(lambda_context: Any) -> None:
    response = handler.handler(a_request("GET", "/realtime/health"), lambda_context)

    assert json.loads(response["body"]) == {"service": "realtime", "status": "ok"}
