"""What a WebSocket API's functions get, and what is made of their answers."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from localstack_embedded.websocket_apis.events import (
    Client,
    connect_event,
    disconnect_event,
    message_event,
)
from localstack_embedded.websocket_apis.results import error_message, parse_result

CONNECTED = datetime(2026, 11, 25, 3, 4, 5, 678000, tzinfo=UTC)
LATER = datetime(2026, 11, 25, 3, 5, 6, tzinfo=UTC)
LATER_EPOCH = 1795575906000


def a_client(**changes: Any) -> Client:
    given = {
        "api_id": "a1b2",
        "stage": "live",
        "domain_name": "a1b2.execute-api.us-east-1.amazonaws.com",
        "source_ip": "192.0.2.1",
        "user_agent": "tests",
        "connected_at": CONNECTED,
    }
    return Client(**given | changes)


def without(context: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in context.items() if name not in names}


def test_every_event_says_which_connection_and_when() -> None:
    client = a_client()

    context = message_event(client, "join", "{}", LATER)["requestContext"]

    assert context["requestId"] == context["extendedRequestId"]
    assert context["messageId"] != context["requestId"]
    assert without(context, "requestId", "extendedRequestId", "messageId") == {
        "routeKey": "join",
        "eventType": "MESSAGE",
        "messageDirection": "IN",
        "requestTime": "25/Nov/2026:03:05:06 +0000",
        "requestTimeEpoch": LATER_EPOCH,
        "connectedAt": 1795575845678,
        "connectionId": client.connection_id,
        "apiId": "a1b2",
        "stage": "live",
        "domainName": "a1b2.execute-api.us-east-1.amazonaws.com",
        "identity": {"sourceIp": "192.0.2.1", "userAgent": "tests"},
    }


def test_a_connection_id_has_the_form_of_awss() -> None:
    ids = {a_client().connection_id for _ in range(100)}

    assert len(ids) == 100
    assert {len(connection_id) for connection_id in ids} == {16}
    assert all(connection_id.endswith("=") for connection_id in ids)


def test_a_message_has_a_body_and_no_headers() -> None:
    event = message_event(a_client(), "join", '{"action": "join"}', LATER)

    assert event.keys() == {"requestContext", "body", "isBase64Encoded"}
    assert event["body"] == '{"action": "join"}'
    assert event["isBase64Encoded"] is False


def test_a_connecting_client_has_headers_and_a_query() -> None:
    headers = [("Host", "localhost"), ("Cookie", "a"), ("Cookie", "b"), ("Upgrade", "websocket")]
    query = [("token", "secret"), ("tag", "1"), ("tag", "2")]

    event = connect_event(a_client(), headers, query, LATER)

    assert event["requestContext"]["eventType"] == "CONNECT"
    assert event["requestContext"]["routeKey"] == "$connect"
    assert event["headers"]["Cookie"] == "b"
    assert event["multiValueHeaders"]["Cookie"] == ["a", "b"]
    assert event["headers"]["X-Forwarded-For"] == "192.0.2.1"
    assert "Upgrade" not in event["headers"]
    assert event["queryStringParameters"] == {"token": "secret", "tag": "2"}
    assert event["multiValueQueryStringParameters"] == {"token": ["secret"], "tag": ["1", "2"]}
    assert "body" not in event


def test_there_are_no_query_parameters_where_there_is_no_query() -> None:
    event = connect_event(a_client(), [], [], LATER)

    assert "queryStringParameters" not in event
    assert "multiValueQueryStringParameters" not in event


def test_a_client_that_left_has_a_code_and_a_reason() -> None:
    context = disconnect_event(a_client(), 1001, "Going away", LATER)["requestContext"]

    assert context["eventType"] == "DISCONNECT"
    assert context["routeKey"] == "$disconnect"
    assert context["disconnectStatusCode"] == 1001
    assert context["disconnectReason"] == "Going away"


def test_a_client_without_a_user_agent_has_none_in_its_identity() -> None:
    event = message_event(a_client(user_agent=None), "join", "", LATER)

    assert event["requestContext"]["identity"] == {"sourceIp": "192.0.2.1"}


def test_a_stages_variables_are_passed_where_it_has_any() -> None:
    event = message_event(a_client(variables={"table": "chat"}), "join", "", LATER)

    assert event["stageVariables"] == {"table": "chat"}
    assert "stageVariables" not in message_event(a_client(), "join", "", LATER)


def test_a_proxy_result_is_read_whole() -> None:
    result = parse_result(b'{"statusCode": 201, "headers": {"X-Test": "yes"}, "body": "text"}')

    assert (result.status, result.body, result.is_success) == (201, "text", True)
    assert result.header("x-test") == "yes"
    assert result.header("other") is None


def test_a_binary_body_is_decoded() -> None:
    body = base64.b64encode("é".encode()).decode()

    result = parse_result(
        json.dumps({"statusCode": "200", "body": body, "isBase64Encoded": True}).encode()
    )

    assert (result.status, result.body) == (200, "é")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b'"text"',
        b"[]",
        b"{}",
        b'{"statusCode": null}',
        b'{"statusCode": "ok"}',
        b'{"statusCode": 101}',
        b'{"statusCode": 600}',
        b'{"statusCode": 200, "body": {"not": "text"}}',
        b'{"statusCode": 200, "body": "%", "isBase64Encoded": true}',
        b'{"statusCode": 200, "headers": "none"}',
    ],
)
def test_what_is_no_proxy_result_is_a_failure(payload: bytes) -> None:
    result = parse_result(payload)

    assert (result.status, result.is_failure) == (502, True)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (429, "Too Many Requests"),
        (500, "Internal server error"),
        (502, "Internal server error"),
        (504, "Endpoint request timed out"),
        (418, "Internal server error"),
        (499, "Internal server error"),
    ],
)
def test_a_client_is_told_of_errors_in_awss_words(status: int, message: str) -> None:
    assert json.loads(error_message(status, "connection", "request")) == {
        "message": message,
        "connectionId": "connection",
        "requestId": "request",
    }
