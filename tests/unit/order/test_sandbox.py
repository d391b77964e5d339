"""Breaking one order on purpose: what the API offers, to whom, and what it arms."""

import json
from typing import Any

import pytest

from builders import a_request
from order import api, sandbox, wiring
from shared import chaos, dynamodb
from shared.limits import Limiter
from support.saga_definition import tasks

OWN = "sandbox-0123456789abcdef"


@pytest.fixture
def armed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What was armed, by correlation id, in a sandbox stage."""
    armed: dict[str, Any] = {}
    monkeypatch.setattr(chaos, "_settings", lambda: chaos._Settings("/shop/chaos", "local"))
    monkeypatch.setattr(chaos, "arm", armed.__setitem__)
    return armed


@pytest.fixture
def call(lambda_context: Any) -> Any:
    def send(method: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        request = a_request(method, "/sandbox/failures", body=body)
        response = api.handler(request, lambda_context)
        return response["statusCode"], json.loads(response["body"])

    return send


@pytest.mark.parametrize("name", sandbox._FAILURES)
def test_everything_on_offer_can_be_armed(call: Any, armed: dict[str, Any], name: str) -> None:
    # Given
    _, offered = call("GET")
    (offer,) = [failure for failure in offered["failures"] if failure["name"] == name]

    # When
    status, body = call("POST", {"correlation_id": OWN, "failure": name})

    # Then
    assert (status, body["step"]) == (201, offer["step"])
    failures = chaos.parse(armed[OWN])
    assert failures.steps.keys() == {offer["step"]}
    assert offer["step"] in tasks()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"failure": "commit_fails"}, "correlation_id"),
        ({"correlation_id": "cor_1", "failure": "commit_fails"}, "correlation_id"),
        ({"correlation_id": OWN}, "failure"),
        ({"correlation_id": OWN, "failure": "fire"}, "failure"),
    ],
)
def test_what_cannot_be_broken_is_named(
    call: Any, armed: dict[str, Any], body: dict[str, str], field: str
) -> None:
    status, problem = call("POST", body)

    assert status == 422
    assert [error["field"] for error in problem["errors"]] == [field]
    assert armed == {}


def test_a_client_breaks_orders_as_often_as_it_may_place_them(
    call: Any, armed: dict[str, Any], aws: None, order_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(wiring, "limiter", lambda: Limiter(dynamodb.client(), order_table))
    most = wiring.limits().orders_per_address.most

    # When
    body = {"correlation_id": OWN, "failure": "commit_fails"}
    answers = [call("POST", body) for _ in range(most + 1)]

    # Then
    *accepted, (status, problem) = answers
    assert {status for status, _ in accepted} == {201}
    assert (status, problem["code"]) == (429, "TOO_MANY_REQUESTS")


@pytest.mark.parametrize("stage", ["prod", "test", ""])
def test_outside_a_sandbox_nothing_is_offered_and_nothing_can_be_armed(
    call: Any, armed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    # Given
    monkeypatch.setattr(chaos, "_settings", lambda: chaos._Settings("", stage))

    # Then
    assert call("GET") == (200, {"failures": []})
    status, problem = call("POST", {"correlation_id": OWN, "failure": "commit_fails"})
    assert (status, problem["code"]) == (404, "NOT_FOUND")
    assert armed == {}
