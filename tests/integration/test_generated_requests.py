"""Generated requests, sensible and senseless: none gets a server error or an undescribed answer.

Schemathesis makes them from docs/openapi.yaml. They come from everybody who may call, about orders
and a product that exist as often as about others.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sagashop_ops.aws import Deployment
from sagashop_ops.client import REQUEST_TIMEOUT_SECONDS, Line, order_body
from sagashop_ops.sessions import Credentials, add_operator
from sagashop_ops.stack import Stack
from support.accounts import PASSWORD, open_account
from support.api_description import description, operations

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
# How many requests a route gets: the more can be varied, the more.
QUICK = {"body": 15, "parameters": 8, "nothing": 3}
FULL = {"body": 600, "parameters": 400, "nothing": 110}
IN_FULL = 10_000

type Case = Any


@dataclass(frozen=True)
class World:
    """Who calls, what there is to ask about, and what the API is described by."""

    schema: Any
    tokens: Mapping[str, str]
    order_ids: tuple[str, ...]
    sku: str
    http: requests.Session


@pytest.fixture(scope="module")
def world(stack: dict[str, Any], new_product: Callable[..., str]) -> Iterator[World]:
    """Who calls: a customer, a guest, an operator, a forger, nobody; and the orders of two."""
    sku = new_product(units=5000)
    with requests.Session() as http:

        def post(path: str, body: Any, token: str = "") -> Any:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            response = http.post(
                f"{stack['api_url']}{path}",
                json=body,
                headers=headers,
                timeout=REQUEST_TIMEOUT_SECONDS,
            )
            response.raise_for_status()
            return response.json()

        operator = Credentials(f"{uuid.uuid4()}@example.com", PASSWORD)
        add_operator(Deployment.of(Stack(**stack)), operator)
        customer = open_account(stack["api_url"]).access_token
        ordered, unpaid = (
            post("/orders", order_body([Line(sku, 1)], token), customer)
            for token in ("tok_declined", None)
        )
        of_guest = post("/orders", order_body([Line(sku, 1)], "tok_visa"))
        schema = schemathesis.openapi.from_dict(_without_security())
        schema.config.update(base_url=stack["api_url"])
        yield World(
            schema,
            tokens={
                "nobody": "",
                "a forger": "forged",
                "a customer": customer,
                "a guest": of_guest["order_token"],
                "an operator": post(
                    "/sessions", {"email": operator.email, "password": operator.password}
                )["access_token"],
            },
            order_ids=tuple(order["order_id"] for order in (ordered, unpaid, of_guest)),
            sku=sku,
            http=http,
        )


@pytest.fixture(scope="module")
def sent() -> Counter[str]:
    """How many requests each route got in `make test-full`."""
    return Counter()


def play(route: str, world: World, requests_of: Mapping[str, int], **options: Any) -> int:
    """Sends a route its requests; returns how many. The options are Hypothesis's."""
    method, _, path = route.partition(" ")
    operation = world.schema[path][method]
    what = _varies(route)
    count = 0

    @settings(
        max_examples=requests_of[what],
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        **options,
    )
    @given(case=_cases(operation, what), caller=st.sampled_from(list(world.tokens)), data=st.data())
    def send(case: Case, caller: str, data: st.DataObject) -> None:
        nonlocal count
        count += 1
        _ask_about_what_exists(case, world, data)
        token = world.tokens[caller]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = case.call(session=world.http, headers=headers, timeout=REQUEST_TIMEOUT_SECONDS)
        case.validate_response(response, checks=CHECKS)

    send()
    return count


@pytest.mark.parametrize("route", sorted(operations()))
def test_a_few_requests_get_described_answers(route: str, world: World) -> None:
    assert play(route, world, QUICK, derandomize=True)


@pytest.mark.full
@pytest.mark.parametrize("route", sorted(operations()))
def test_many_requests_get_described_answers(route: str, world: World, sent: Counter[str]) -> None:
    sent[route] = play(route, world, FULL)


@pytest.mark.full
def test_there_were_as_many_requests_as_promised(sent: Counter[str]) -> None:
    print(f"{sent.total()} generated requests: {dict(sent)}")

    assert sent.total() >= IN_FULL


def _without_security() -> dict[str, Any]:
    """The description, but for tokens: who calls is up to `play`, and to no generated header."""
    described = deepcopy(description())
    for path in described["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                operation.pop("security", None)
    return described


def _varies(route: str) -> str:
    operation = operations()[route]
    if "requestBody" in operation:
        return "body"
    return "parameters" if "parameters" in operation or "{" in route else "nothing"


def _cases(operation: Any, what: str) -> st.SearchStrategy[Case]:
    sensible = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if what == "nothing":
        return sensible
    return sensible | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def _ask_about_what_exists(case: Case, world: World, data: st.DataObject) -> None:
    """Puts what there is into every other request that has the form for it.

    No order that gets placed is paid: the cards are declined.
    """
    if not data.draw(st.booleans(), label="about what exists"):
        return
    if "order_id" in case.path_parameters:
        case.path_parameters["order_id"] = data.draw(st.sampled_from(world.order_ids))
    if "sku" in case.path_parameters:
        case.path_parameters["sku"] = world.sku
    match case.body:
        case {"items": [*items]}:
            for item in items:
                if isinstance(item, dict) and isinstance(item.get("sku"), str):
                    item["sku"] = world.sku
