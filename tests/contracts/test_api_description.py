"""docs/openapi.yaml tells of every route, error, field and limit, and of none that isn't there.

That answers are as described, each test checks that gets one: see `support.api_answers`.
"""

import ast
import copy
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import schemathesis

from account import requests as account_requests
from account.domain import Account
from account.views import account_view, session_view
from builders import ACCOUNT_ID, ORIGIN, OWED, an_order
from inventory.domain import Product
from inventory.views import product_view
from order import domain, saga_view, sandbox, timeline, views
from order.requests import Page, PlaceOrder
from payment import domain as payments
from payment.views import payment_view
from shared.errors import ValidationFailed
from shared.events import PublishedEvent
from shared.money import Money
from shared.subjects import Role
from shipping import domain as shipments
from shipping.views import shipment_view
from support.api_description import (
    FILE,
    Json,
    codes_of,
    description,
    faults_of,
    operations,
    resolved,
)
from support.event_schemas import SCHEMAS
from support.json_paths import paths_of
from support.template import ROOT, resources, template

NOW = datetime(2026, 3, 1, 9, 31, tzinfo=UTC)
ACCOUNT = Account(ACCOUNT_ID, "ada@example.com", "Ada", "customer", "hash", NOW, NOW)
PARTS = description()["components"]["schemas"]
NEVER_ANSWERED = {
    "CONFLICT": "every conflict has a code of its own",
    "METHOD_NOT_ALLOWED": "API Gateway passes on no method that a path doesn't have",
}
READERS: Mapping[str, Callable[[Any], object]] = {
    "POST /orders": lambda body: PlaceOrder.read(body, None),
    "POST /accounts": account_requests.Register.read,
    "POST /accounts/me/password": account_requests.ChangePassword.read,
    "DELETE /accounts/me": account_requests.read_password,
    "POST /sessions": account_requests.SignIn.read,
    "POST /sessions/refresh": account_requests.read_refresh_token,
}


def routes_of(function: Mapping[str, Any]) -> set[str]:
    """Returns the routes of a function of the template."""
    events = (event["Properties"] for event in function.get("Events", {}).values())
    return {
        f"{event['Method']} {event['Path']}"
        for event in events
        if event.get("Method", "OPTIONS") != "OPTIONS"
    }


WITH_ROUTES = {
    name: function
    for name, function in resources("AWS::Serverless::Function").items()
    if routes_of(function)
}


def test_it_is_valid() -> None:
    schemathesis.openapi.from_path(FILE).validate()


def test_every_route_of_the_template_is_described_and_no_other() -> None:
    assert operations().keys() == set().union(*map(routes_of, WITH_ROUTES.values()))


@pytest.mark.parametrize("name", WITH_ROUTES)
def test_a_function_has_the_routes_that_the_template_sends_it(name: str) -> None:
    # Given
    module, _, _ = WITH_ROUTES[name]["Handler"].rpartition(".")
    service = importlib.import_module(module).api

    # When
    routes = {f"{method} {path}" for path, each in service._app.routes.items() for method in each}

    # Then: the operators' function has a route for its health, which nobody calls
    assert routes - {"GET /order/health"} == routes_of(WITH_ROUTES[name]) - {"GET /order/health"}


def test_every_error_code_is_described_and_no_other() -> None:
    # Given
    responses = template()["Resources"]["HttpApi"]["Properties"]["GatewayResponses"]
    by_gateway = {
        json.loads(body)["code"]
        for response in responses.values()
        for body in response.get("ResponseTemplates", {}).values()
        if '"code"' in body and "$context" not in body
    }

    # When
    described = {
        code
        for operation in operations().values()
        for response in operation["responses"].values()
        for code in codes_of(response)
    }

    live = json.loads((SCHEMAS / "websocket" / "error.v1.json").read_text(encoding="utf-8"))
    described |= set(live["properties"]["code"]["enum"])

    # Then
    assert by_gateway | set(_codes_in_the_code()) == described | NEVER_ANSWERED.keys()


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (PARTS["OrderStatus"], domain.Status),
        (PARTS["Order"]["properties"]["reason"]["properties"]["code"], domain.ReasonCode),
        (PARTS["Execution"]["properties"]["status"], [*saga_view.STATUSES.values(), None]),
        (PARTS["Payment"]["properties"]["status"], payments.PaymentStatus),
        (PARTS["Shipment"]["properties"]["status"], shipments.ShipmentStatus),
        (PARTS["Account"]["properties"]["role"], get_args(Role.__value__)),
        (PARTS["Failure"], sandbox._FAILURES),
        (PARTS["FailingStep"], [step for step, _ in sandbox._FAILURES.values()]),
    ],
)
def test_an_enumeration_has_the_values_that_the_code_knows(
    schema: Json, values: Iterator[str | None]
) -> None:
    assert set(schema["enum"]) == set(values)


def examples() -> Iterator[tuple[str, Json, Any]]:
    """Yields every example of a body: where it is, its schema, and itself."""
    for route, operation in operations().items():
        parts = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, part in parts.items():
            for content in resolved(part).get("content", {}).values():
                if "example" in content:
                    yield f"{route} {name}", content["schema"], content["example"]


def test_every_body_but_a_problem_has_an_example() -> None:
    with_example = {where for where, _, _ in examples()}
    bodies = {
        f"{route} {status}"
        for route, operation in operations().items()
        for status in operation["responses"]
        if status < "300"
    } | {f"{route} request" for route, each in operations().items() if "requestBody" in each}

    assert bodies <= with_example


@pytest.mark.parametrize(
    ("schema", "example"), [pytest.param(*rest, id=where) for where, *rest in examples()]
)
def test_an_example_is_what_its_schema_says(schema: Json, example: Any) -> None:
    assert not faults_of(schema, example)


def limits(schema: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any, Any]]:
    """Yields the limits of a request: where, a value that just keeps it, and one that doesn't."""
    schema = resolved(schema) | {name: schema[name] for name in schema if name != "$ref"}
    for name, part in schema.get("properties", {}).items():
        yield from limits(part, (*path, name))
    if "items" in schema:
        (most,) = [schema["maxItems"]]
        line = {"sku": "product-001", "quantity": 1}
        yield path, [line] * most, [line] * (most + 1)
        yield from limits(schema["items"], (*path, 0))
    if "maximum" in schema:
        yield path, schema["maximum"], schema["maximum"] + 1
        yield path, schema["minimum"], schema["minimum"] - 1
    if "maxLength" in schema:
        end = "@example.com" if "@" in schema.get("pattern", "") else ""
        text = "x" * (schema["maxLength"] - len(end)) + end
        yield path, text, "x" + text
    if schema.get("minLength", 0) > 0:
        yield path, "x" * schema["minLength"], "x" * (schema["minLength"] - 1)


def all_limits() -> Iterator[Any]:
    for route in READERS:
        content = operations()[route]["requestBody"]["content"]["application/json"]
        for path, kept, broken in limits(content["schema"]):
            field = ".".join(map(str, path)).replace(".0", "[0]")
            yield pytest.param(route, path, field, kept, broken, id=f"{route} {field}")


@pytest.mark.parametrize(("route", "path", "field", "kept", "broken"), list(all_limits()))
def test_a_limit_of_a_request_is_the_codes_own(
    route: str, path: tuple[str | int, ...], field: str, kept: Any, broken: Any
) -> None:
    # Given
    example = operations()[route]["requestBody"]["content"]["application/json"]["example"]

    def body(value: Any) -> Any:
        made = copy.deepcopy(example)
        *parents, last = path
        inner = made
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
        return made

    # Then
    READERS[route](body(kept))
    with pytest.raises(ValidationFailed) as refused:
        READERS[route](body(broken))
    assert [error.field for error in refused.value.errors] == [field]


def order_examples() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the routes answer, by route, with nothing null that can be filled."""
    order = an_order().completed().build()
    parked = an_order().paid().parked().build()
    owed = replace(OWED, unanswered=["shipping"])
    shipped = domain.changed(order, NOW, shipment=domain.Shipment("Saga Parcel", "SP1"))
    event = domain.place(order, ORIGIN).event
    assert event is not None
    logged = PublishedEvent(event.source, event.type, event.envelope())
    money = Money(100, "USD")
    payment = payments.capture(payments.begin(order.order_id, money, NOW), NOW)
    booking = shipments.Booking("Saga Parcel", "SP1", NOW)
    address = shipments.Address("1 Main St", "Springfield", "IL", "62701", "US")
    shipment = shipments.create(shipments.begin(order.order_id, address, NOW), booking, NOW)
    product = product_view(Product("sku", "Name", "Words.", money, 1, 0, 0, 1, 1))
    yield "GET /products", {"products": [product]}
    yield "POST /orders", views.placed_view(order.order_id, "token")
    yield "GET /orders/{order_id}", views.order_view(shipped, NOW)
    yield "GET /customers/me/orders", views.orders_view([shipped, shipped], Page(1, None), NOW)
    yield "GET /orders/{order_id}/timeline", timeline.timeline_view(order.order_id, [logged])
    history = [
        {"timestamp": NOW, "type": "ExecutionStarted"},
        {
            "timestamp": NOW,
            "type": "TaskStateEntered",
            "stateEnteredEventDetails": {"name": "ReserveStock"},
        },
    ]
    yield "GET /orders/{order_id}/saga", saga_view.saga_view(order, lambda _: history)
    yield "GET /orders/{order_id}/payment", payment_view(payment)
    yield "GET /orders/{order_id}/shipment", shipment_view(shipment)
    yield "GET /accounts/me", account_view(ACCOUNT)
    yield "POST /sessions", session_view("access", "refresh")
    yield "GET /ops/orders", {"orders": [views.operators_view(parked, owed)], "unreadable": []}


@pytest.mark.parametrize(("route", "answer"), list(order_examples()))
def test_a_view_is_what_the_description_says(route: str, answer: Mapping[str, Any]) -> None:
    # Given
    responses = operations()[route]["responses"]
    (success,) = (resolved(responses[status]) for status in responses if status < "300")
    content = success["content"]["application/json"]

    # When
    plain = json.loads(json.dumps(answer))

    # Then
    assert not faults_of(content["schema"], plain)
    assert set(paths_of(content["example"])) == set(paths_of(plain))


def _codes_in_the_code() -> Iterator[str]:
    """Yields the codes of all HttpErrors: their classes' own, and those given when raised."""
    for path in (ROOT / "functions").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Assign(
                    targets=[ast.Name(id="default_code")], value=ast.Constant(value=str(code))
                ):
                    yield code
                case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                    yield code
