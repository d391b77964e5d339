"""JSON over HTTP: problem documents, CORS, correlation ids, and nothing of the inside."""

import base64
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from builders import CLIENT_ADDRESS, ORDER_ID, a_request
from shared import clock
from shared.errors import (
    Conflict,
    FieldError,
    InvalidToken,
    NotFound,
    PaymentsUnavailable,
    ServiceBusy,
    StorageContention,
    TooManyRequests,
    Unauthorized,
    ValidationFailed,
)
from shared.http import SECURITY_HEADERS, Answer, ServiceApi
from shared.subjects import OrderSubject, Subject
from shared.tokens import Tokens

ORIGIN = "http://shop.example"

type Logged = Callable[[], list[dict[str, Any]]]
type Call = Callable[..., dict[str, Any]]


@pytest.fixture
def api() -> ServiceApi:
    return ServiceApi("parcel")


@pytest.fixture
def call(api: ServiceApi, lambda_context: Any) -> Call:
    """Calls the API's handler: `call("GET", "/parcels/{id}", id="1")`."""

    def send(method: str, resource: str, **arguments: Any) -> dict[str, Any]:
        return api.handler(a_request(method, resource, **arguments), lambda_context)

    return send


def problem(response: dict[str, Any]) -> dict[str, Any]:
    assert response["headers"]["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(response["body"])
    assert document["status"] == response["statusCode"]
    return document


def test_a_view_gets_the_paths_parameters_and_its_object_is_the_answer(
    api: ServiceApi, call: Call
) -> None:
    # Given
    api.get("/parcels/{parcel_id}")(lambda parcel_id: {"parcel_id": parcel_id, "name": "Straße"})

    # When
    response = call("GET", "/parcels/{parcel_id}", parcel_id="p1")

    # Then
    assert response["statusCode"] == 200
    assert response["headers"]["Content-Type"] == "application/json"
    assert json.loads(response["body"]) == {"parcel_id": "p1", "name": "Straße"}


def test_every_service_tells_that_it_is_well(call: Call) -> None:
    # When
    response = call("GET", "/parcel/health")

    # Then
    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {"service": "parcel", "status": "ok"}


def test_an_answer_may_have_another_status_and_headers(api: ServiceApi, call: Call) -> None:
    # Given
    api.post("/parcels")(lambda: Answer({}, HTTPStatus.ACCEPTED, {"Location": "/parcels/p1"}))

    # When
    response = call("POST", "/parcels", body={})

    # Then
    assert response["statusCode"] == 202
    assert response["headers"]["Location"] == "/parcels/p1"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("no such parcel"), 404, "NOT_FOUND"),
        (NotFound("no such parcel", code="PARCEL_NOT_FOUND"), 404, "PARCEL_NOT_FOUND"),
        (Unauthorized("show the secret"), 401, "UNAUTHORIZED"),
        (InvalidToken("expired"), 401, "INVALID_TOKEN"),
        (Conflict("sent already"), 409, "CONFLICT"),
        (TooManyRequests(retry_after=9), 429, "TOO_MANY_REQUESTS"),
        (StorageContention("throttled"), 503, "SERVICE_BUSY"),
    ],
)
def test_a_typed_error_is_a_problem_document(
    error: Exception, status: int, code: str, api: ServiceApi, call: Call
) -> None:
    # Given
    def refuse() -> dict[str, Any]:
        raise error

    api.get("/parcels")(refuse)

    # When
    response = call("GET", "/parcels")

    # Then
    document = problem(response)
    assert (response["statusCode"], document["code"]) == (status, code)
    assert document.keys() == {"type", "title", "status", "detail", "code"}


def test_wrong_fields_are_named_in_the_problem(api: ServiceApi, call: Call) -> None:
    # Given
    def refuse() -> dict[str, Any]:
        raise ValidationFailed([FieldError("size.width", "is required")])

    api.get("/parcels")(refuse)

    # When
    document = problem(call("GET", "/parcels"))

    # Then
    assert document["status"] == 422
    assert document["errors"] == [{"field": "size.width", "message": "is required"}]


def test_a_bug_is_a_500_that_says_nothing_of_the_inside_and_is_logged_with_its_stack(
    api: ServiceApi, call: Call, logged: Logged
) -> None:
    # Given
    def fail() -> dict[str, Any]:
        raise RuntimeError("password hunter2")

    api.get("/parcels")(fail)

    # When
    response = call("GET", "/parcels", headers={"X-Correlation-Id": "cor-7"})

    # Then
    document = problem(response)
    assert document["code"] == "INTERNAL_ERROR"
    assert document["correlation_id"] == "cor-7"
    assert "hunter2" not in response["body"]
    (failure,) = (line for line in logged() if line["message"] == "request failed")
    assert "hunter2" in failure["exception"]
    assert failure["correlation_id"] == "cor-7"


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "",
        None,
        '{"a": NaN}',
        "[" * 60_000,
        '{"a": "\\ud800',
        "[]",
        '"{}"',
        "1",
        "null",
        "true",
    ],
)
def test_a_body_that_is_no_json_object_is_a_400(
    body: str | None, api: ServiceApi, call: Call
) -> None:
    # Given
    api.post("/parcels")(lambda: {"got": api.json_body()})

    # When
    document = problem(call("POST", "/parcels", body=body))

    # Then
    assert (document["status"], document["code"]) == (400, "MALFORMED_REQUEST")


def test_bytes_that_are_no_text_are_a_400(api: ServiceApi, lambda_context: Any) -> None:
    # Given
    api.post("/parcels")(lambda: {"got": api.json_body()})
    event = a_request("POST", "/parcels", body=base64.b64encode(b'"\xff"').decode())
    event["isBase64Encoded"] = True

    # When
    document = problem(api.handler(event, lambda_context))

    # Then
    assert document["code"] == "MALFORMED_REQUEST"


def test_a_body_of_another_media_type_is_a_415(api: ServiceApi, call: Call) -> None:
    # Given
    api.post("/parcels")(lambda: {"got": api.json_body()})

    # When
    document = problem(call("POST", "/parcels", body="a=1", headers={"Content-Type": "text/plain"}))

    # Then
    assert (document["status"], document["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_json_with_a_charset_is_json(api: ServiceApi, call: Call) -> None:
    # Given
    api.post("/parcels")(lambda: {"got": api.json_body()})

    # When
    response = call(
        "POST",
        "/parcels",
        body={"a": "ä"},
        headers={"Content-Type": "Application/JSON; charset=utf-8"},
    )

    # Then
    assert json.loads(response["body"]) == {"got": {"a": "ä"}}


def test_an_unknown_path_is_a_404(call: Call) -> None:
    assert problem(call("GET", "/nowhere"))["code"] == "NOT_FOUND"


def test_a_known_path_with_another_method_is_a_405(call: Call) -> None:
    assert problem(call("DELETE", "/parcel/health"))["code"] == "METHOD_NOT_ALLOWED"


def break_down() -> dict[str, Any]:
    raise RuntimeError


ANSWERS = [
    ("GET", "/parcel/health"),
    ("GET", "/nowhere"),
    ("GET", "/broken"),
    ("DELETE", "/broken"),
    ("OPTIONS", "/broken"),
]


@pytest.mark.parametrize(("method", "resource"), ANSWERS)
def test_the_storefronts_pages_may_read_every_answer(
    method: str, resource: str, api: ServiceApi, call: Call
) -> None:
    # Given
    api.get("/broken")(break_down)

    # When
    headers = call(method, resource, headers={"origin": ORIGIN})["headers"]

    # Then
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Vary"] == "Origin"
    exposed = headers["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Correlation-Id", "Location", "Retry-After"} == set(exposed)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "http://shop.example.evil.example",
        "http://evil.example",
        "https://shop.example",
        "http://shop.example:81",
        "http://SHOP.example",
        "http://shop.example, http://evil.example",
    ],
)
@pytest.mark.parametrize(("method", "resource"), ANSWERS)
def test_no_other_pages_may(
    method: str, resource: str, origin: str | None, api: ServiceApi, call: Call
) -> None:
    # Given
    api.get("/broken")(break_down)

    # When
    sent = {} if origin is None else {"Origin": origin}
    headers = call(method, resource, headers=sent)["headers"]

    # Then
    assert not [name for name in headers if name.startswith("Access-Control-")]


def test_without_a_storefront_no_pages_may(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.delenv("STOREFRONT_ORIGIN")

    # Then
    for origin in ("", ORIGIN):
        answer = call("GET", "/parcel/health", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer["headers"]


@pytest.mark.parametrize(("method", "resource"), ANSWERS)
def test_every_answer_tells_browsers_to_be_careful(
    method: str, resource: str, api: ServiceApi, call: Call
) -> None:
    # Given
    api.get("/broken")(break_down)

    # When
    headers = call(method, resource)["headers"]

    # Then
    assert headers.items() >= SECURITY_HEADERS.items()
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain", "nonsense"])
def test_a_preflight_is_answered_whatever_its_content_type(
    content_type: str | None, call: Call
) -> None:
    # When
    sent = {} if content_type is None else {"Content-Type": content_type}
    response = call("OPTIONS", "/parcel/health", headers={**sent, "Origin": ORIGIN})

    # Then
    assert (response["statusCode"], response["body"]) == (204, "")
    headers = response["headers"]
    assert headers["Access-Control-Allow-Origin"] == ORIGIN
    assert headers["Access-Control-Allow-Methods"] == "GET, POST, DELETE, OPTIONS"
    assert headers["Access-Control-Max-Age"] == "600"
    allowed = set(headers["Access-Control-Allow-Headers"].split(", "))
    assert {"Content-Type", "Idempotency-Key", "X-Correlation-Id", "Authorization"} <= allowed


def test_a_preflight_needs_no_secret_and_runs_no_view(lambda_context: Any) -> None:
    # Given
    def guard() -> None:
        raise Unauthorized("show the secret")

    guarded = ServiceApi("parcel", guard=guard)

    # Then
    request = a_request("OPTIONS", "/parcel/health")
    assert guarded.handler(request, lambda_context)["statusCode"] == 204
    assert (
        problem(guarded.handler(a_request("OPTIONS", "/nowhere"), lambda_context))["status"] == 404
    )


def test_the_callers_correlation_id_is_kept(api: ServiceApi, call: Call) -> None:
    # When
    response = call("GET", "/parcel/health", headers={"x-correlation-id": "cor-7"})

    # Then
    assert response["headers"]["X-Correlation-Id"] == "cor-7"
    assert api.origin.correlation_id == "cor-7"
    assert api.origin.causation_id == "request-1"


@pytest.mark.parametrize("sent", ["", "a" * 129, "two words", "a\nb"])
def test_a_senseless_correlation_id_is_replaced(sent: str, call: Call) -> None:
    # When
    response = call("GET", "/parcel/health", headers={"X-Correlation-Id": sent})

    # Then
    assert response["headers"]["X-Correlation-Id"].startswith("cor_")


def test_without_a_correlation_id_each_request_gets_its_own(call: Call) -> None:
    # When
    given = {call("GET", "/parcel/health")["headers"]["X-Correlation-Id"] for _ in range(2)}

    # Then
    assert len(given) == 2


def test_who_is_not_authorized_is_told_how_to_be(api: ServiceApi, call: Call) -> None:
    # Given
    def refuse() -> dict[str, Any]:
        raise Unauthorized("show the secret")

    api.get("/parcels")(refuse)

    # Then
    assert call("GET", "/parcels")["headers"]["WWW-Authenticate"] == "Bearer"


def caller_of(api: ServiceApi, call: Call, headers: dict[str, str]) -> Subject | None:
    """Returns whom a view of the API takes the sender of these headers for."""
    callers: list[Subject | None] = []

    def view() -> dict[str, Any]:
        callers.append(api.caller())
        return {}

    api.get("/parcels")(view)
    assert call("GET", "/parcels", headers=headers)["statusCode"] == 200
    return callers[0]


def test_who_sends_no_token_is_nobody(api: ServiceApi, call: Call) -> None:
    assert caller_of(api, call, {}) is None


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_who_sends_a_token_is_whom_it_speaks_for(
    scheme: str, api: ServiceApi, call: Call, stack_tokens: Tokens
) -> None:
    # Given
    token = stack_tokens.for_order(ORDER_ID, clock.now())

    # Then
    assert caller_of(api, call, {"authorization": scheme + token}) == OrderSubject(ORDER_ID)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "x", "é"])
def test_a_header_without_a_valid_token_is_a_401_and_not_nobody(
    header: str, api: ServiceApi, call: Call, stack_tokens: Tokens
) -> None:
    # Given
    api.get("/parcels")(lambda: {"caller": api.caller()})

    # When
    response = call("GET", "/parcels", headers={"Authorization": header})

    # Then
    assert (response["statusCode"], problem(response)["code"]) == (401, "INVALID_TOKEN")
    assert response["headers"]["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_is_not_logged(
    api: ServiceApi, call: Call, stack_tokens: Tokens, logged: Logged
) -> None:
    # Given
    token = stack_tokens.for_order(ORDER_ID, clock.now())
    changed = token[:-9] + "AAAAAAAAA"
    api.get("/parcels")(lambda: {"caller": str(api.caller())})

    # When
    for sent in (token, changed):
        call("GET", "/parcels", headers={"Authorization": f"Bearer {sent}"})

    # Then
    lines = str(logged())
    assert "request refused" in lines
    assert not any(part in lines for part in [*token.split("."), *changed.split(".")])


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        (CLIENT_ADDRESS, CLIENT_ADDRESS),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
    ],
)
def test_requests_are_counted_by_the_address_that_the_gateway_saw(
    address: str, counted: str, api: ServiceApi, lambda_context: Any
) -> None:
    # Given
    api.get("/parcels")(lambda: {"address": api.client_address()})
    request = a_request("GET", "/parcels", headers={"X-Forwarded-For": "198.51.100.1"})
    request["requestContext"]["identity"]["sourceIp"] = address

    # Then
    response = api.handler(request, lambda_context)
    assert json.loads(response["body"]) == {"address": counted}


def test_a_resource_is_deleted(api: ServiceApi, call: Call) -> None:
    # Given
    api.delete("/parcels")(lambda: Answer({}, HTTPStatus.OK))

    # Then
    assert call("DELETE", "/parcels")["statusCode"] == 200


@pytest.mark.parametrize(("length", "status"), [(64 * 1024, 200), (64 * 1024 + 1, 413)])
def test_an_oversized_body_is_refused(
    length: int, status: int, api: ServiceApi, call: Call
) -> None:
    # Given
    api.post("/parcels")(lambda: {"got": len(api.json_body())})

    # Then
    body = '{"a":"' + "x" * (length - 8) + '"}'
    assert call("POST", "/parcels", body=body)["statusCode"] == status


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (StorageContention("throttled"), "1"),
        (ServiceBusy("later"), "1"),
        (PaymentsUnavailable("later", retry_after=30), "30"),
        (ServiceBusy("look first", retry_after=None), None),
    ],
)
def test_who_may_repeat_a_request_is_told_when(
    error: Exception, seconds: str | None, api: ServiceApi, call: Call
) -> None:
    # Given
    def refuse() -> dict[str, Any]:
        raise error

    api.get("/parcels")(refuse)

    # When
    response = call("GET", "/parcels")

    # Then
    assert response["statusCode"] == 503
    assert response["headers"].get("Retry-After") == seconds


def test_who_reached_a_limit_is_told_when_to_come_back(api: ServiceApi, call: Call) -> None:
    # Given
    def refuse() -> dict[str, Any]:
        raise TooManyRequests(retry_after=42)

    api.get("/parcels")(refuse)

    # Then
    assert call("GET", "/parcels")["headers"]["Retry-After"] == "42"


def test_a_write_whose_answer_was_lost_is_not_denied(api: ServiceApi, call: Call) -> None:
    # Given
    def lose_the_answer() -> dict[str, Any]:
        raise StorageContention("no answer")

    api.post("/parcels")(lose_the_answer)

    # Then
    assert "may have done" in problem(call("POST", "/parcels", body={}))["detail"]


TRACE_ID = "1-67c2d3e4-0123456789abcdef01234567"


@pytest.mark.parametrize("header", ["X-Amzn-Trace-Id", "x-amzn-trace-id"])
def test_a_request_is_traced_by_the_gateways_trace_id(
    header: str, api: ServiceApi, call: Call, logged: Logged
) -> None:
    # When
    call("GET", "/parcel/health", headers={header: f"Self=1-1-2;Root={TRACE_ID};Sampled=0"})

    # Then
    assert api.origin.trace_id == TRACE_ID
    assert [line["trace_id"] for line in logged()] == [TRACE_ID, TRACE_ID]


def test_a_request_that_nobody_traced_gets_a_trace_id_of_its_own(
    api: ServiceApi, call: Call
) -> None:
    # When
    given = []
    for _ in range(2):
        call("GET", "/parcel/health", headers={"X-Amzn-Trace-Id": "Root=<script>"})
        given.append(api.origin.trace_id)

    # Then
    assert len(set(given)) == 2
    assert None not in given


def test_a_guarded_api_asks_its_guard_before_it_looks_at_anything(
    lambda_context: Any, logged: Logged
) -> None:
    # Given
    seen = []

    def guard() -> None:
        seen.append(guarded.header("Authorization"))
        raise Unauthorized("show the secret")

    guarded = ServiceApi("parcel", guard=guard)

    @guarded.post("/parcels")
    def view() -> dict[str, Any]:
        raise AssertionError("the view was reached")

    # When
    request = a_request("POST", "/parcels", body="{", headers={"Authorization": "Bearer x"})
    response = guarded.handler(request, lambda_context)

    # Then
    assert (response["statusCode"], seen) == (401, ["Bearer x"])


def test_a_view_reads_the_query_of_its_request(api: ServiceApi, lambda_context: Any) -> None:
    # Given
    api.get("/parcels")(lambda: {"size": api.query("size"), "colour": api.query("colour")})
    request = a_request("GET", "/parcels")

    # When
    without = api.handler(request, lambda_context)
    request["multiValueQueryStringParameters"] = {"size": ["big"]}
    with_size = api.handler(request, lambda_context)

    # Then
    assert json.loads(without["body"]) == {"size": None, "colour": None}
    assert json.loads(with_size["body"]) == {"size": "big", "colour": None}
