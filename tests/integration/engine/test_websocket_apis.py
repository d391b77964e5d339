"""WebSocket APIs on the local cloud: a template's API, its clients, and its functions."""

import json
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from support.usage import engine_at
from support.waiting import PATIENCE_SECONDS, eventually
from support.websocket_api import WebSocketApi, a_template

TWO_WAY = {"RouteResponseSelectionExpression": "$default"}
ROUTES: dict[str, dict[str, Any]] = {
    "$connect": {},
    "$disconnect": {},
    "join": {},
    "ask": TWO_WAY,
    "$default": TWO_WAY,
}
CONNECTIONS = 500


@pytest.fixture(scope="module")
def api(aws: Callable[[str], Any]) -> Iterator[WebSocketApi]:
    """An API whose function has been called once, so that the first test does not wait for it."""
    made = WebSocketApi(aws)
    made.deploy(a_template(ROUTES))
    with made.connect(open_timeout=PATIENCE_SECONDS):
        pass
    yield made
    made.delete()


@pytest.fixture
def scratch(aws: Callable[[str], Any]) -> Iterator[WebSocketApi]:
    """A stack of the test's own."""
    made = WebSocketApi(aws)
    yield made
    made.delete()


@pytest.fixture
def management(api: WebSocketApi, stack: dict[str, Any]) -> Any:
    return management_of(api.outputs["Url"], stack)


def management_of(websocket_url: str, stack: dict[str, Any]) -> Any:
    """The client of the `@connections` API that a function would make."""
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url="http" + websocket_url.removeprefix("ws"),
        region_name=stack["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # A refusal that is tried again would take seconds.
        config=Config(retries={"total_max_attempts": 1}),
    )


def hear(client: ClientConnection) -> str:
    return client.recv(timeout=PATIENCE_SECONDS, decode=True)


def connection_id_of(client: ClientConnection) -> str:
    """A client learns its id from an error."""
    client.send('{"action": "ask", "fail": true}')
    connection_id: str = json.loads(hear(client))["connectionId"]
    return connection_id


def end_of(client: ClientConnection) -> int:
    """Waits for the connection's end; returns its code."""
    with pytest.raises(ConnectionClosed) as closed:
        hear(client)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def code_of(call: Callable[[], object]) -> tuple[int, str]:
    """The status and the code of the error that a call ends with."""
    with pytest.raises(ClientError) as failed:
        call()
    response = failed.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


# Connecting


def test_connect_gets_the_whole_request(api: WebSocketApi) -> None:
    token = uuid.uuid4().hex

    with api.connect(f"?token={token}&tag=1&tag=2", user_agent_header="tests") as client:
        event = api.event(lambda event: token in json.dumps(event))

        assert client.subprotocol is None
    assert event["queryStringParameters"] == {"token": token, "tag": "2"}
    assert event["multiValueQueryStringParameters"]["tag"] == ["1", "2"]
    assert event["headers"]["User-Agent"] == "tests"
    context = event["requestContext"]
    assert context["eventType"] == "CONNECT"
    assert context["apiId"] == api.outputs["ApiId"]
    assert context["stage"] == api.outputs["StageName"] == "live"
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "tests"}


def test_connect_chooses_the_subprotocol(api: WebSocketApi) -> None:
    with api.connect(subprotocols=["other", "chat"]) as client:
        assert client.subprotocol == "chat"


@pytest.mark.parametrize(
    ("query", "status"),
    [("?answer=401", 401), ("?answer=403", 403), ("?answer=500", 500), ("?fail=yes", 502)],
)
def test_connect_refuses_with_a_status(api: WebSocketApi, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused, api.connect(query):
        pass

    assert refused.value.response.status_code == status


@pytest.mark.parametrize("url", ["/_aws/ws/unknown/live", "/_aws/ws/{ApiId}/unknown"])
def test_nobody_is_at_another_stage(api: WebSocketApi, stack: dict[str, Any], url: str) -> None:
    host = urlsplit(stack["endpoint_url"]).netloc

    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{host}{url.format(**api.outputs)}"),
    ):
        pass

    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body)["message"] == "Forbidden"


def test_a_stage_has_awss_host_name_too(api: WebSocketApi, stack: dict[str, Any]) -> None:
    address = urlsplit(stack["endpoint_url"])
    url = f"ws://{api.outputs['ApiId']}.execute-api.localhost:{address.port}/live"

    with connect(url, address=(address.hostname, address.port)) as client:
        client.send("hello")

        assert hear(client) == "hello"


# Messages


def test_a_message_takes_its_route(api: WebSocketApi) -> None:
    mark = uuid.uuid4().hex
    with api.connect() as client:
        client.send(json.dumps({"action": "join", "mark": mark}))
        event = api.event(lambda event: mark in event.get("body", ""))

    assert event.keys() == {"requestContext", "body", "isBase64Encoded"}
    assert event["requestContext"]["routeKey"] == "join"
    assert event["requestContext"]["eventType"] == "MESSAGE"
    assert event["requestContext"]["messageId"]


def test_a_two_way_route_answers_and_another_does_not(api: WebSocketApi) -> None:
    with api.connect() as client:
        client.send('{"action": "join", "n": 1}')
        client.send('{"action": "ask", "n": 2}')
        client.send("no JSON")

        answers = {hear(client), hear(client)}

    assert answers == {'{"action": "ask", "n": 2}', "no JSON"}


def test_a_client_learns_that_its_message_failed(api: WebSocketApi) -> None:
    with api.connect() as client:
        client.send('{"action": "join", "fail": true}')

        error = json.loads(hear(client))

    assert error["message"] == "Internal server error"
    assert error.keys() == {"message", "connectionId", "requestId"}


def test_a_function_that_takes_too_long_is_not_waited_for(api: WebSocketApi) -> None:
    with api.connect() as client:
        client.send('{"action": "ask", "take": 7}')

        assert json.loads(hear(client))["message"] == "Endpoint request timed out"


@pytest.mark.parametrize(
    ("message", "code"), [("x" * (32 * 1024 + 1), 1009), (b"binary", 1003)], ids=["great", "binary"]
)
def test_what_is_not_allowed_ends_the_connection(
    api: WebSocketApi, message: str | bytes, code: int
) -> None:
    with api.connect() as client:
        client.send(message)

        assert end_of(client) == code


def test_a_message_of_128_kilobytes_goes_both_ways(api: WebSocketApi) -> None:
    frame = "x" * 32 * 1024
    with api.connect() as client:
        client.send([frame] * 4)

        assert hear(client) == frame * 4


# Leaving


def test_disconnect_gets_the_code_and_the_reason(api: WebSocketApi) -> None:
    with api.connect() as client:
        connection_id = connection_id_of(client)
        client.close(4001, "had enough")

    event = api.event(
        lambda event: (
            event["requestContext"]["eventType"] == "DISCONNECT"
            and event["requestContext"]["connectionId"] == connection_id
        )
    )
    context = event["requestContext"]
    assert context["routeKey"] == "$disconnect"
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (4001, "had enough")


def test_a_client_that_vanishes_has_left(api: WebSocketApi, management: Any) -> None:
    with api.connect() as client:
        connection_id = connection_id_of(client)
        client.socket.shutdown(socket.SHUT_RDWR)

    event = api.event(
        lambda event: (
            event["requestContext"]["eventType"] == "DISCONNECT"
            and event["requestContext"]["connectionId"] == connection_id
        )
    )
    assert event["requestContext"]["disconnectStatusCode"] == 1006
    assert code_of(lambda: management.get_connection(ConnectionId=connection_id))[0] == 410


# @connections


def test_a_function_reaches_its_client(api: WebSocketApi) -> None:
    with api.connect() as client:
        client.send('{"action": "join", "push": "look: é"}')

        assert hear(client) == "look: é"


def test_a_client_is_sent_to_described_and_disconnected(api: WebSocketApi, management: Any) -> None:
    with api.connect(user_agent_header="tests") as client:
        connection_id = connection_id_of(client)

        management.post_to_connection(ConnectionId=connection_id, Data="x" * 128 * 1024)
        assert len(hear(client)) == 128 * 1024

        connection = management.get_connection(ConnectionId=connection_id)
        assert connection["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "tests"}
        assert connection["ConnectedAt"] < connection["LastActiveAt"]

        management.delete_connection(ConnectionId=connection_id)
        assert end_of(client) == 1000

    gone = (410, "GoneException")
    assert code_of(lambda: management.get_connection(ConnectionId=connection_id)) == gone
    assert code_of(lambda: management.delete_connection(ConnectionId=connection_id)) == gone
    assert (
        code_of(lambda: management.post_to_connection(ConnectionId=connection_id, Data="x")) == gone
    )


def test_too_great_a_message_is_refused(api: WebSocketApi, management: Any) -> None:
    with api.connect() as client:
        connection_id = connection_id_of(client)
        data = b"x" * (128 * 1024 + 1)

        answer = code_of(
            lambda: management.post_to_connection(ConnectionId=connection_id, Data=data)
        )

    assert answer == (413, "PayloadTooLargeException")


def test_a_client_that_does_not_read_is_not_sent_more(api: WebSocketApi, management: Any) -> None:
    data = b"x" * 128 * 1024

    def send(connection_id: str) -> tuple[int, str]:
        try:
            management.post_to_connection(ConnectionId=connection_id, Data=data)
        except ClientError as exc:
            response = exc.response
            return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]
        return 200, ""

    # Given a client that takes one message from its socket, and no more before that one is heard
    with api.connect(max_queue=1) as client:
        connection_id = connection_id_of(client)

        # When a function goes on sending until the buffers between them are full
        answer = eventually(lambda: send(connection_id), until=lambda a: a[0] != 200, every=0)
        client.socket.shutdown(socket.SHUT_RDWR)

    # Then it is told
    assert answer == (429, "LimitExceededException")


def test_an_api_does_not_reach_the_clients_of_another(
    api: WebSocketApi, stack: dict[str, Any]
) -> None:
    other = management_of(api.outputs["Url"].replace(api.outputs["ApiId"], "other"), stack)
    with api.connect() as client:
        connection_id = connection_id_of(client)

        answer = code_of(lambda: other.post_to_connection(ConnectionId=connection_id, Data="x"))

    assert answer == (410, "GoneException")


# Deployments


def test_an_updated_stack_serves_its_new_routes_to_those_who_are_connected(
    scratch: WebSocketApi,
) -> None:
    scratch.deploy(a_template({"ask": TWO_WAY}))
    with scratch.connect() as client:
        client.send('{"action": "other"}')
        assert json.loads(hear(client))["message"] == "Forbidden"

        scratch.deploy(a_template({"other": TWO_WAY}))

        client.send('{"action": "other"}')
        assert hear(client) == '{"action": "other"}'
        client.send('{"action": "ask"}')
        assert json.loads(hear(client))["message"] == "Forbidden"


def test_a_deployment_keeps_the_routes_of_its_time(
    scratch: WebSocketApi, aws: Callable[[str], Any]
) -> None:
    # Given a stage that serves a deployment
    template = a_template({"ask": TWO_WAY}, stage={"DeploymentId": {"Ref": "Deployment"}})
    template["Resources"]["Deployment"] = {
        "Type": "AWS::ApiGatewayV2::Deployment",
        "DependsOn": "AskRoute",
        "Properties": {"ApiId": {"Ref": "Api"}},
    }
    scratch.deploy(template)
    control, api_id = aws("apigatewayv2"), scratch.outputs["ApiId"]
    (route,) = control.get_routes(ApiId=api_id)["Items"]

    # When its route changes
    control.update_route(ApiId=api_id, RouteId=route["RouteId"], RouteKey="other")

    # Then it still has the old one, until there is a new deployment
    with scratch.connect() as client:
        client.send('{"action": "ask"}')
        assert hear(client) == '{"action": "ask"}'

        deployment = control.create_deployment(ApiId=api_id, StageName="live")
        assert deployment["DeploymentStatus"] == "DEPLOYED"

        client.send('{"action": "ask"}')
        assert json.loads(hear(client))["message"] == "Forbidden"
        client.send('{"action": "other"}')
        assert hear(client) == '{"action": "other"}'


def test_a_deleted_stack_leaves_no_api(scratch: WebSocketApi) -> None:
    scratch.deploy(a_template({}))

    scratch.delete()

    with pytest.raises(InvalidStatus), scratch.connect():
        pass


def test_sams_websocket_api_is_served(scratch: WebSocketApi) -> None:
    template = a_template({})
    resources = template["Resources"]
    for name in ("Api", "Integration", "Stage", "Permission"):
        del resources[name]
    resources["Chat"] = {
        "Type": "AWS::Serverless::WebSocketApi",
        "Properties": {
            "StageName": "live",
            "RouteSelectionExpression": "$request.body.action",
            "Routes": {
                "$default": {
                    "FunctionArn": {"Fn::GetAtt": ["Function", "Arn"]},
                    "RouteResponseSelectionExpression": "$default",
                }
            },
        },
    }
    variables = resources["Function"]["Properties"]["Environment"]["Variables"]
    del variables["WEBSOCKET_URL"]
    template["Transform"] = "AWS::Serverless-2016-10-31"
    template["Outputs"] = {
        "ApiId": {"Value": {"Ref": "Chat"}},
        "Url": {"Value": {"Fn::Sub": "${Chat.ApiEndpoint}/live"}},
    }

    scratch.deploy(template)

    with scratch.connect() as client:
        client.send("hello")
        assert hear(client) == "hello"


# What is refused


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_api", {"Name": "test", "ProtocolType": "HTTP"}),
        ("create_api", {"Name": "test", "ProtocolType": "WEBSOCKET"}),
        ("create_route", {"RouteKey": "$connect", "AuthorizationType": "CUSTOM"}),
        ("create_route", {"RouteKey": "$connect", "AuthorizationType": "AWS_IAM"}),
        ("create_route", {"RouteKey": "$connect", "ApiKeyRequired": True}),
        ("create_integration", {"IntegrationType": "HTTP_PROXY", "IntegrationUri": "http://a"}),
        ("create_integration", {"IntegrationType": "AWS_PROXY"}),
    ],
)
def test_what_would_not_be_served_is_refused(
    api: WebSocketApi, aws: Callable[[str], Any], operation: str, arguments: dict[str, Any]
) -> None:
    control = aws("apigatewayv2")
    api_id = {} if operation == "create_api" else {"ApiId": api.outputs["ApiId"]}

    answer = code_of(lambda: getattr(control, operation)(**api_id, **arguments))

    assert answer == (400, "BadRequestException")


# Many clients


def test_five_hundred_clients_cost_little(scratch: WebSocketApi, stack: dict[str, Any]) -> None:
    # Given 500 connections, which no function has to agree to
    scratch.deploy(a_template({}))
    engine = engine_at(stack["endpoint_url"])
    before = engine.memory_info().rss, engine.num_threads(), sum(engine.cpu_times()[:2])
    with ExitStack() as opened:
        clients = [
            opened.enter_context(scratch.connect(ping_interval=None)) for _ in range(CONNECTIONS)
        ]

        # When each of them hears something
        for client in clients:
            client.send("a message without a route")
        assert all(json.loads(hear(client))["message"] == "Forbidden" for client in clients)

        # Then they have taken little memory and no threads
        megabytes = (engine.memory_info().rss - before[0]) / 1e6
        seconds = sum(engine.cpu_times()[:2]) - before[2]
        print(f"{CONNECTIONS} connections: {megabytes:.1f} MB, {seconds:.2f} s of CPU")
        assert megabytes < 50
        assert engine.num_threads() - before[1] < 50
