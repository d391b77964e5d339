"""The realtime service on a table of its own, with orders and clients of the tests' own."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders import ACCOUNT_ID, ORDER_ID, PLACED_AT, an_order
from order.views import order_view
from realtime import handler, wiring
from realtime.orders import OrderState
from realtime.repository import ConnectionTable
from realtime.service import Updates
from shared import access, dynamodb
from shared.tokens import Tokens
from unit.realtime.fakes import FakeClients, FakeOrders

type Response = dict[str, Any]
type Connect = Callable[..., "Client"]

OWNED_ID = f"{ORDER_ID[:-1]}2"
"""An order that ACCOUNT_ID placed; ORDER_ID is a guest's."""


@dataclass
class Client:
    """Somebody's WebSocket, as the function sees it: `send` returns the answer."""

    connection_id: str
    context: Any
    query: Mapping[str, str] | None = None
    response: Response = field(default_factory=dict)

    def call(self, route: str, **event: Any) -> Response:
        """Makes API Gateway call the route's function."""
        request = {"routeKey": route, "connectionId": self.connection_id}
        response: Response = handler.handler({"requestContext": request, **event}, self.context)
        return response

    def connect(self) -> "Client":
        self.response = self.call("$connect", queryStringParameters=self.query)
        return self

    def send(self, message: Any, route: str = "subscribe") -> dict[str, Any]:
        """Sends a message; returns the answer that the client gets."""
        response = self.call(route, body=json.dumps(message))
        assert response["statusCode"] == 200, "a message's status is for nobody"
        answer: dict[str, Any] = json.loads(response["body"])
        return answer

    def subscribe(self, order_id: str = ORDER_ID) -> dict[str, Any]:
        return self.send({"action": "subscribe", "order_id": order_id})

    def leave(self) -> Response:
        return self.call("$disconnect")


@pytest.fixture
def connections(realtime_table: str, monkeypatch: pytest.MonkeyPatch) -> ConnectionTable:
    """The table of connections, empty."""
    table = ConnectionTable(dynamodb.client(), realtime_table)
    monkeypatch.setattr(wiring, "connections", lambda: table)
    return table


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> FakeOrders:
    """The order service, with a guest's order and an account's."""
    fake = FakeOrders()
    for order_id in (ORDER_ID, OWNED_ID):
        order = an_order().with_id(order_id).build()
        fake.states[order_id] = OrderState(order.version, order_view(order, PLACED_AT))
    owners = {OWNED_ID: ACCOUNT_ID}
    monkeypatch.setattr(wiring, "orders", lambda: fake)
    monkeypatch.setattr(access, "owner_of", owners.get)
    return fake


@pytest.fixture
def clients() -> FakeClients:
    """What clients are sent without asking."""
    return FakeClients()


@pytest.fixture
def updates(
    connections: ConnectionTable,
    orders: FakeOrders,
    clients: FakeClients,
    monkeypatch: pytest.MonkeyPatch,
) -> Updates:
    """The service's use cases, on all of that."""
    made = Updates(connections, orders, clients)  # type: ignore[arg-type]  # fakes of the same form
    monkeypatch.setattr(wiring, "updates", lambda: made)
    return made


@pytest.fixture
def connect(
    updates: Updates, stack_tokens: Tokens, frozen_clock: Any, lambda_context: Any
) -> Connect:
    """Makes clients that are connected: with ORDER_ID's token, unless they are given another."""
    order_token = stack_tokens.for_order(ORDER_ID, PLACED_AT)

    def make(connection_id: str = "c1", token: str = order_token) -> Client:
        client = Client(connection_id, lambda_context, {"token": token}).connect()
        assert client.response["statusCode"] == 200
        return client

    return make
