"""Which function a message of a WebSocket API goes to, and which stage a URL means."""

import json

import pytest

from localstack_embedded.websocket_apis.addresses import (
    Address,
    ConnectionAddress,
    endpoint_of,
    parse_address,
    parse_connection,
)
from localstack_embedded.websocket_apis.routing import (
    Route,
    RouteTable,
    function_arn_of,
    selection_path,
)

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:chat"


def a_table(*keys: str, selection: str = "$request.body.action") -> RouteTable:
    routes = {key: Route(key, FUNCTION, timeout_seconds=29) for key in keys}
    return RouteTable(selection_path(selection), routes)


def key_for(table: RouteTable, message: str) -> str | None:
    route = table.select(message)
    return route.key if route else None


def test_a_message_takes_the_route_that_it_names() -> None:
    assert key_for(a_table("join", "$default"), '{"action": "join"}') == "join"


def test_the_name_may_be_deep_in_the_message() -> None:
    table = a_table("join", selection="$request.body.message.action")

    assert key_for(table, '{"message": {"action": "join"}}') == "join"


@pytest.mark.parametrize(("value", "key"), [(7, "7"), (True, "true"), (1.5, "1.5")])
def test_numbers_and_booleans_name_routes_too(value: object, key: str) -> None:
    assert key_for(a_table(key, "$default"), json.dumps({"action": value})) == key


@pytest.mark.parametrize(
    "message",
    [
        '{"action": "unknown"}',
        '{"action": null}',
        '{"action": ["join"]}',
        '{"other": "join"}',
        '["join"]',
        '"join"',
        "join",
        "",
        "{",
    ],
)
def test_any_other_message_takes_the_default_route(message: str) -> None:
    assert key_for(a_table("join", "$default"), message) == "$default"
    assert key_for(a_table("join"), message) is None


@pytest.mark.parametrize("key", ["$connect", "$disconnect"])
def test_a_message_cannot_pretend_to_be_a_connection(key: str) -> None:
    table = a_table("$connect", "$disconnect", "$default")

    assert key_for(table, json.dumps({"action": key})) == "$default"


@pytest.mark.parametrize(
    "expression", ["", "$request.body", "$request.header.action", "$request.body.a/b", "action"]
)
def test_another_selection_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="route selection expression"):
        selection_path(expression)


@pytest.mark.parametrize(
    "uri",
    [
        FUNCTION,
        f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations",
    ],
)
def test_an_integration_names_its_function_in_two_ways(uri: str) -> None:
    assert function_arn_of(uri) == FUNCTION


@pytest.mark.parametrize(
    "uri", ["", "https://example.com", "arn:aws:apigateway:us-east-1:sqs:path/1/queue"]
)
def test_an_integration_with_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="Only Lambda"):
        function_arn_of(uri)


def test_an_apis_endpoint_leads_to_its_stages() -> None:
    endpoint = endpoint_of("a1b2", "localhost:4566")

    assert endpoint == "ws://localhost:4566/_aws/ws/a1b2"
    assert parse_address("localhost:4566", "/_aws/ws/a1b2/live") == Address("a1b2", "live")


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("localhost:4566", "/live"),
        ("localhost:4566", "/_aws/ws/a1b2"),
        ("localhost:4566", "/_aws/ws/a1b2/live/more"),
        ("a1b2.execute-api.localhost:4566", "/"),
        ("a1b2.execute-api.localhost:4566", "/live/more"),
        ("a1b2.execute-api.localhost:4566", "/@connections/Zx="),
    ],
)
def test_other_requests_are_not_for_a_stage(host: str, path: str) -> None:
    assert parse_address(host, path) is None


@pytest.mark.parametrize(
    ("host", "path", "stage"),
    [
        ("localhost:4566", "/_aws/ws/a1b2/live/@connections/Zx=", Address("a1b2", "live")),
        ("a1b2.execute-api.localhost", "/live/@connections/Zx=", Address("a1b2", "live")),
        ("localhost:4566", "/@connections/Zx=", None),
    ],
)
def test_a_connection_has_an_address_too(host: str, path: str, stage: Address | None) -> None:
    assert parse_connection(host, path) == ConnectionAddress("Zx=", stage)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("localhost:4566", "/"),
        ("localhost:4566", "/bucket/@connections/Zx="),
        ("localhost:4566", "/@connections/"),
        ("localhost:4566", "/@connections/Zx=/more"),
        ("localhost:4566", "/_aws/ws/a1b2/live"),
    ],
)
def test_other_requests_are_not_for_a_connection(host: str, path: str) -> None:
    assert parse_connection(host, path) is None
