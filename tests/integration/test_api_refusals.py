"""Every route refuses what makes no sense, in the words of docs/openapi.yaml.

The routes are those of the description. That an answer has the described headers, fields and code
is checked for every answer of the store: see `support.api_answers`.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sagashop_ops.sessions import signed_in
from sagashop_ops.stack import Stack
from support.api_description import operations
from support.waiting import eventually

WITH_BODY = sorted(route for route, each in operations().items() if "requestBody" in each)
WITH_TOKEN = sorted(route for route, each in operations().items() if each.get("security"))
WRONG_BODIES: dict[int, tuple[str, str]] = {
    400: ("application/json", '{"items": ['),
    413: ("application/json", json.dumps({"token": "x" * 64 * 1024})),
    415: ("text/plain", "{}"),
    422: ("application/json", "{}"),
}

type Call = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def call(stack: dict[str, Any]) -> Iterator[Call]:
    """Calls a route as an operator, unless other headers say otherwise."""
    token = signed_in(Stack(**stack)).access_token
    with requests.Session() as http:

        def send(route: str, headers: dict[str, str], body: str | None = None) -> requests.Response:
            method, _, path = route.partition(" ")
            url = f"{stack['api_url']}{path.format(order_id='ord_NONE', sku='none')}"
            headers = {"Authorization": f"Bearer {token}", **headers}
            return http.request(method, url, data=body, headers=headers, timeout=35)

        yield send


@pytest.mark.parametrize("status", WRONG_BODIES)
@pytest.mark.parametrize("route", WITH_BODY)
def test_a_wrong_body_is_refused(route: str, status: int, call: Call) -> None:
    media_type, body = WRONG_BODIES[status]

    assert call(route, {"Content-Type": media_type}, body).status_code == status


@pytest.mark.parametrize("route", WITH_TOKEN)
def test_a_token_that_is_not_valid_is_refused(route: str, call: Call) -> None:
    headers = {"Authorization": "Bearer forged", "Content-Type": "application/json"}
    body = {"token": "tok_visa"} if "/orders" in route else {}

    assert call(route, headers, json.dumps(body)).status_code == 401


def test_a_list_of_orders_has_a_sensible_page(call: Call) -> None:
    assert call("GET /customers/me/orders?limit=0", {}).status_code == 422


def test_what_exceeds_the_rate_of_a_method_is_throttled(
    stack: dict[str, Any], aws: Callable[[str], Any], call: Call
) -> None:
    # Given
    _, _, path = stack["api_url"].partition("/_aws/execute-api/")
    api_id, stage = path.split("/")
    setting = "/~1account~1health/GET/throttling"

    def limit(rate: int, burst: int) -> None:
        aws("apigateway").update_stage(
            restApiId=api_id,
            stageName=stage,
            patchOperations=[
                {"op": "replace", "path": f"{setting}/rateLimit", "value": str(rate)},
                {"op": "replace", "path": f"{setting}/burstLimit", "value": str(burst)},
            ],
        )

    limit(1, 1)

    # When
    try:
        refused = eventually(
            lambda: call("GET /account/health", {}), until=lambda answer: answer.status_code != 200
        )
    finally:
        limit(250, 1000)

    # Then
    assert (refused.status_code, refused.json()["code"]) == (429, "THROTTLED")
