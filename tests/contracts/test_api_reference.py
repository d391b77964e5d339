"""docs/api.md tells of every route, every error and every field, and of none that isn't there."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from account.domain import Account
from account.views import account_view, session_view
from builders import ORIGIN, OWED, an_order
from inventory.domain import Product
from inventory.views import product_view
from order import domain, saga_view, timeline, views
from order.requests import Page
from payment import domain as payments
from payment.views import payment_view
from shared.events import PublishedEvent
from shared.money import Money
from shipping import domain as shipments
from shipping.views import shipment_view
from support.template import ROOT, resources, template

NOW = datetime(2026, 3, 1, 9, 31, tzinfo=UTC)
REFERENCE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ACCOUNT = Account("acc_1", "ada@example.com", "Ada", "customer", "hash", NOW, NOW)
ROUTE = re.compile(r"`(GET|POST|DELETE) (/\S*)`")
CODE = re.compile(r"[A-Z]+(_[A-Z]+)+")


def sections() -> dict[str, str]:
    """Returns the reference's text by route, `POST /orders`."""
    found: dict[str, str] = {}
    for part in REFERENCE.split("\n### ")[1:]:
        heading, _, text = part.partition("\n")
        for method, path in ROUTE.findall(heading):
            assert f"{method} {path}" not in found
            found[f"{method} {path}"] = text.split("\n## ")[0]
    return found


def test_every_route_of_the_template_is_described_and_no_other() -> None:
    # Given
    routes = {
        f"{event['Properties']['Method']} {event['Properties']['Path']}"
        for function in resources("AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"]["Method"] != "OPTIONS"
    }

    # Then
    assert routes
    assert sections().keys() == routes


def test_every_error_code_is_described_and_no_other() -> None:
    # Given
    responses = template()["Resources"]["HttpApi"]["Properties"]["GatewayResponses"]
    by_gateway = {
        json.loads(body)["code"]
        for response in responses.values()
        for body in response.get("ResponseTemplates", {}).values()
        if '"code"' in body and "$context" not in body
    }
    raised = by_gateway | set(_codes_in_the_code())

    # When
    described = {word for word in re.findall(r"`([A-Z_]+)`", REFERENCE) if CODE.fullmatch(word)} | {
        "CONFLICT",
        "UNAUTHORIZED",
        "THROTTLED",
        "TIMEOUT",
    }

    # Then
    assert raised
    assert raised <= described
    values = {*domain.Status, *domain.ReasonCode, *saga_view.STATUSES.values()}
    assert described - raised <= values


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
def test_an_example_has_exactly_the_fields_of_the_real_answer(
    route: str, answer: Mapping[str, Any]
) -> None:
    # Given: the section's last example; the first one may be the request's.
    example = json.loads(re.findall(r"```json\n(.*?)```", sections()[route], re.DOTALL)[-1])

    # Then
    assert set(_paths(example)) == set(_paths(json.loads(json.dumps(answer))))


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


def _paths(value: Any, path: str = "") -> Iterator[str]:
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _paths(part, f"{path}.{name}")
    elif isinstance(value, list):
        for part in value:
            yield from _paths(part, f"{path}[]")
