"""Where the service meets others: API Gateway's management API, and the order service."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from realtime.clients import Clients
from realtime.orders import Orders, OrderState
from shared import queries
from shared.errors import ServiceBusy

URL = "wss://abc123.execute-api.us-east-1.amazonaws.com/live"


@pytest.fixture
def clients() -> Clients:
    return Clients(URL)


@pytest.fixture
def gateway(clients: Clients) -> Iterator[Stubber]:
    """API Gateway's answers, which have to be asked for as they are announced."""
    with Stubber(clients._api) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("websocket_url", "endpoint"),
    [
        (URL, "https://abc123.execute-api.us-east-1.amazonaws.com/live"),
        ("ws://localhost:4566/_aws/ws/abc123/live", "http://localhost:4566/_aws/ws/abc123/live"),
    ],
)
def test_the_management_api_is_where_clients_connect(websocket_url: str, endpoint: str) -> None:
    assert Clients(websocket_url)._api.meta.endpoint_url == endpoint


def test_a_message_is_sent(clients: Clients, gateway: Stubber) -> None:
    gateway.add_response("post_to_connection", {}, {"ConnectionId": "c1", "Data": "é".encode()})

    assert clients.send("c1", "é")


def test_a_client_that_has_left_is_told_apart_from_a_failure(
    clients: Clients, gateway: Stubber
) -> None:
    gateway.add_client_error("post_to_connection", "GoneException", http_status_code=410)
    gateway.add_client_error("post_to_connection", "ForbiddenException", http_status_code=403)

    assert not clients.send("c1", "hello")
    with pytest.raises(ClientError, match="ForbiddenException"):
        clients.send("c1", "hello")


def test_a_connection_ends_once(clients: Clients, gateway: Stubber) -> None:
    gateway.add_response("delete_connection", {}, {"ConnectionId": "c1"})
    gateway.add_client_error("delete_connection", "GoneException", http_status_code=410)

    clients.disconnect("c1")
    clients.disconnect("c1")


def asked(monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | None) -> OrderState | None:
    def ask(function: str, question: Mapping[str, Any], *, timeout: float) -> Any:
        assert json.dumps([function, question])
        assert (function, question["query"]) == ("OrderQueries", "order")
        # Twice, within the time that the function may take.
        assert 2 * timeout < 10
        return answer

    monkeypatch.setattr(queries, "ask_if_possible", ask)
    return Orders("OrderQueries").find("ord_1")


def test_the_order_service_knows_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    order = {"order_id": "ord_1"}

    assert asked(monkeypatch, {"sequence": 3, "order": order}) == OrderState(3, order)
    assert asked(monkeypatch, {"sequence": None, "order": None}) is None
    with pytest.raises(ServiceBusy):
        asked(monkeypatch, None)
