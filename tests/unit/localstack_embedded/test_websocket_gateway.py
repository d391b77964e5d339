"""What happens when a client connects to a WebSocket API, sends, and leaves."""

import json
from typing import Any

import pytest
from wsproto.events import CloseConnection

from localstack_embedded.throttling import Limit
from localstack_embedded.websocket_apis.addresses import Address
from localstack_embedded.websocket_apis.gateway import Gateway, Stage
from localstack_embedded.websocket_apis.results import Result, failed
from localstack_embedded.websocket_apis.routing import Route, RouteTable
from unit.localstack_embedded.websocket_fakes import FakeFunctions, FakeHandshake, FakeLoop, Peer

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"
TWO_WAY = {"ask"}


class Api:
    """An API with one stage, `live`, and those who connect to it."""

    def __init__(self, *keys: str) -> None:
        self.loop = FakeLoop()
        self.functions = FakeFunctions()
        self.routes = {
            key: Route(key, FUNCTION, timeout_seconds=29, is_two_way=key in TWO_WAY) for key in keys
        }
        self.limits: dict[str, Limit] = {}
        self.limit: Limit | None = None
        self.gateway = Gateway(self._find, self.functions)

    def _find(self, address: Address) -> Stage | None:
        if address.stage != "live":
            return None
        table = RouteTable(("action",), self.routes)
        return Stage(table, "a1b2.example", {"table": "chat"}, self.limits, self.limit)

    def knock(self, stage: str = "live", *, leaves: bool = False) -> FakeHandshake:
        handshake = FakeHandshake(self.loop, self.gateway, stage)
        self.gateway.connect(handshake)
        handshake.has_left = leaves
        self.functions.finish()
        return handshake

    def connect(self) -> Peer:
        peer = self.knock().peer
        assert peer is not None
        return peer


def error_of(text: str) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(text)
    assert error.keys() == {"message", "connectionId", "requestId"}
    return error


def test_a_client_connects_where_connect_agrees() -> None:
    api = Api("$connect")

    peer = api.connect()

    (event,) = api.functions.calls
    assert event["queryStringParameters"] == {"token": "secret"}
    assert event["stageVariables"] == {"table": "chat"}
    context = event["requestContext"]
    assert context["domainName"] == "a1b2.example"
    assert api.gateway.connection(context["connectionId"]) is peer.connection


def test_a_client_connects_where_there_is_no_connect_route() -> None:
    api = Api("$default")

    peer = api.connect()

    assert api.gateway.connection(peer.connection.client.connection_id) is peer.connection
    assert not api.functions.calls


def test_connect_may_choose_a_subprotocol() -> None:
    api = Api("$connect")
    api.functions.results["$connect"] = Result(200, {"sec-websocket-protocol": "graphql-ws"})

    assert api.knock().subprotocol == "graphql-ws"


@pytest.mark.parametrize(
    ("result", "status", "message"),
    [
        (Result(401), 401, "Unauthorized"),
        (Result(403), 403, "Forbidden"),
        (Result(500), 500, "Internal server error"),
        (Result(302), 302, "Internal server error"),
        (failed(502), 502, "Internal server error"),
        (failed(504), 504, "Endpoint request timed out"),
    ],
)
def test_a_client_is_refused_with_connects_status(
    result: Result, status: int, message: str
) -> None:
    api = Api("$connect", "$disconnect")
    api.functions.results["$connect"] = result

    handshake = api.knock()

    assert handshake.peer is None
    assert handshake.refusal is not None
    assert handshake.refusal[0] == status
    error = error_of(handshake.refusal[1])
    (context,) = api.functions.contexts
    assert error["message"] == message
    assert error["requestId"] == context["requestId"]
    assert api.gateway.connection(context["connectionId"]) is None


def test_a_refusal_has_the_functions_body_where_it_gives_one() -> None:
    api = Api("$connect")
    api.functions.results["$connect"] = Result(403, body="not you")

    assert api.knock().refusal == (403, "not you")


def test_there_is_nobody_at_a_stage_that_does_not_exist() -> None:
    handshake = Api("$connect").knock("other")

    assert handshake.refusal is not None
    assert handshake.refusal[0] == 403
    assert error_of(handshake.refusal[1])["message"] == "Forbidden"


def test_a_client_that_leaves_while_it_is_let_in_is_disconnected() -> None:
    api = Api("$connect", "$disconnect")
    api.functions.is_slow = True

    api.knock(leaves=True)

    connected, left = api.functions.contexts
    assert left["eventType"] == "DISCONNECT"
    assert left["connectionId"] == connected["connectionId"]
    assert left["disconnectStatusCode"] == 1006
    assert api.gateway.connection(connected["connectionId"]) is None


def test_a_message_goes_to_the_function_of_its_route() -> None:
    api = Api("join", "$default")
    peer = api.connect()

    peer.say('{"action": "join"}')
    peer.say("hello")

    assert api.functions.routes == ["join", "$default"]
    assert [event["body"] for event in api.functions.calls] == ['{"action": "join"}', "hello"]
    assert not peer.texts


def test_a_two_way_route_answers() -> None:
    api = Api("ask", "$default")
    api.functions.results = {"ask": Result(200, body="42"), "$default": Result(200, body="no")}
    peer = api.connect()

    peer.say('{"action": "ask"}')
    peer.say("hello")

    assert peer.texts == ["42"]


def test_a_two_way_route_without_a_body_does_not_answer() -> None:
    api = Api("ask")
    peer = api.connect()

    peer.say('{"action": "ask"}')

    assert not peer.texts


def test_a_message_without_a_route_is_forbidden() -> None:
    api = Api("join")
    peer = api.connect()

    peer.say("hello")

    (text,) = peer.texts
    assert error_of(text)["message"] == "Forbidden"
    assert error_of(text)["connectionId"] == peer.connection.client.connection_id
    assert not api.functions.calls


def test_a_client_learns_that_a_function_failed() -> None:
    api = Api("join")
    api.functions.results["join"] = failed(502)
    peer = api.connect()

    peer.say('{"action": "join"}')

    (text,) = peer.texts
    assert error_of(text)["message"] == "Internal server error"
    assert error_of(text)["requestId"] == api.functions.contexts[0]["requestId"]


def test_messages_above_a_routes_limit_are_refused() -> None:
    api = Api("join", "leave")
    api.limits = {"join": Limit(rate=0.001, burst=2)}
    api.limit = Limit(rate=0.001, burst=1)
    peer = api.connect()

    for key in ("join", "leave") * 3:
        peer.say(json.dumps({"action": key}))

    assert api.functions.routes == ["join", "leave", "join"]
    assert {error_of(text)["message"] for text in peer.texts} == {"Too Many Requests"}
    assert len(peer.texts) == 3


def test_connections_above_the_limit_are_refused() -> None:
    api = Api("$connect")
    api.limit = Limit(rate=0.001, burst=1)
    api.connect()

    refusal = api.knock().refusal

    assert refusal is not None
    assert refusal[0] == 429
    assert error_of(refusal[1])["message"] == "Too Many Requests"


def test_a_connection_takes_the_routes_of_the_present_deployment() -> None:
    api = Api("$default")
    peer = api.connect()
    api.routes["join"] = Route("join", FUNCTION, timeout_seconds=29)

    peer.say('{"action": "join"}')

    assert api.functions.routes == ["join"]


def test_disconnect_says_how_it_ended() -> None:
    api = Api("$disconnect")
    peer = api.connect()
    connection_id = peer.connection.client.connection_id

    peer.say(CloseConnection(code=4001, reason="bye"))

    (context,) = api.functions.contexts
    assert context["connectionId"] == connection_id
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4001, "bye")
    assert api.gateway.connection(connection_id) is None


def test_an_answer_to_a_client_that_has_left_is_dropped() -> None:
    api = Api("ask")
    api.functions.results["ask"] = Result(200, body="42")
    peer = api.connect()
    api.functions.is_slow = True
    peer.say('{"action": "ask"}')
    peer.connection.lost()

    api.functions.finish()

    assert not peer.texts
