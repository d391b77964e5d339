"""The order service's HTTP API, from API Gateway's event to the table and back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, a_request, an_order
from order import api, domain, execution
from order.repository import OrderRepository
from order.timeline import LoggedEvent
from shared import dynamodb
from shared.events import DomainEvent
from support.stepfunctions import FakeStepFunctions

type Call = Callable[..., dict[str, Any]]
type OutboxEvents = Callable[[], list[tuple[str, dict[str, Any]]]]


@pytest.fixture
def stepfunctions(monkeypatch: pytest.MonkeyPatch) -> FakeStepFunctions:
    fake = FakeStepFunctions()

    def start(order: domain.Order) -> None:
        execution.start(fake, "arn", order)  # type: ignore[arg-type]

    monkeypatch.setattr(api, "_start_saga", start)
    return fake


@pytest.fixture
def orders(order_table: str) -> OrderRepository:
    return OrderRepository(dynamodb.client(), order_table)


@pytest.fixture
def call(
    orders: OrderRepository,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
) -> Call:
    """Calls the API: `call("GET", "/orders/{order_id}", order_id="…")` gives status and body."""

    def send(method: str, resource: str, **arguments: Any) -> dict[str, Any]:
        response = api.handler(a_request(method, resource, **arguments), lambda_context)
        return {
            "status": response["statusCode"],
            "headers": response["headers"],
            "body": json.loads(response["body"]),
        }

    return send


def place(call: Call, body: Any = None, key: str | None = None) -> dict[str, Any]:
    headers = {} if key is None else {"Idempotency-Key": key}
    return call(
        "POST", "/orders", body=an_order().body() if body is None else body, headers=headers
    )


def wrong_fields(response: dict[str, Any]) -> dict[str, str]:
    assert response["status"] == 422, response
    assert response["body"]["code"] == "VALIDATION_FAILED"
    return {error["field"]: error["message"] for error in response["body"]["errors"]}


def test_a_placed_order_is_accepted_stored_told_and_started(
    call: Call,
    orders: OrderRepository,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
) -> None:
    # Given
    body = an_order().with_item("product-001", 2).body()

    # When
    response = place(call, body)

    # Then
    order_id = response["body"]["order_id"]
    assert response["status"] == 202
    assert response["headers"]["Location"] == f"/orders/{order_id}"
    assert response["body"] == {
        "order_id": order_id,
        "status": "PENDING",
        "links": {"self": f"/orders/{order_id}", "timeline": f"/orders/{order_id}/timeline"},
    }
    order = orders.get(order_id)
    assert order.email == "ada@example.com"
    assert stepfunctions.executions == {order_id: domain.execution_input(order)}
    ((event_type, detail),) = outbox_events()
    assert event_type == "OrderPlaced"
    assert detail["metadata"]["correlation_id"] == response["headers"]["X-Correlation-Id"]


def test_the_payment_token_is_neither_on_the_bus_nor_in_an_answer_nor_in_the_log(
    call: Call, outbox_events: OutboxEvents, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    response = place(call)
    view = call("GET", "/orders/{order_id}", order_id=response["body"]["order_id"])

    # Then
    assert "tok_visa" not in json.dumps([response, view, outbox_events(), logged()])


def test_lines_of_the_same_sku_are_merged(call: Call, orders: OrderRepository) -> None:
    # Given
    body = an_order().with_item("a", 1).with_item("b", 5).with_item("a", 2).body()

    # When
    order_id = place(call, body)["body"]["order_id"]

    # Then
    assert domain.items_of(orders.get(order_id)) == [
        {"sku": "a", "quantity": 3},
        {"sku": "b", "quantity": 5},
    ]


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"items": None}, "items", "is required"),
        ({"items": []}, "items", "must have at least 1"),
        ({"items": "product-001"}, "items", "must be a list"),
        ({"items": [{"sku": "a", "quantity": 1}] * 26}, "items", "must have at most 25"),
        ({"items": ["a"]}, "items[0]", "must be a JSON object"),
        ({"items": [{"quantity": 1}]}, "items[0].sku", "is required"),
        ({"items": [{"sku": 7, "quantity": 1}]}, "items[0].sku", "must be a text"),
        ({"items": [{"sku": "a"}]}, "items[0].quantity", "is required"),
        ({"items": [{"sku": "a", "quantity": 0}]}, "items[0].quantity", "must be from 1 to 1000"),
        ({"items": [{"sku": "a", "quantity": -1}]}, "items[0].quantity", "must be from 1 to 1000"),
        (
            {"items": [{"sku": "a", "quantity": 1001}]},
            "items[0].quantity",
            "must be from 1 to 1000",
        ),
        ({"items": [{"sku": "a", "quantity": "2"}]}, "items[0].quantity", "must be an integer"),
        ({"items": [{"sku": "a", "quantity": True}]}, "items[0].quantity", "must be an integer"),
        ({"items": [{"sku": "a", "quantity": 1.5}]}, "items[0].quantity", "must be an integer"),
        ({"email": None}, "email", "is required"),
        ({"email": "ada"}, "email", "must be an e-mail address"),
        ({"email": "ada@example"}, "email", "must be an e-mail address"),
        ({"email": "ada@example.com, x@y.zz"}, "email", "must be an e-mail address"),
        ({"shipping_address": "London"}, "shipping_address", "must be a JSON object"),
        ({"payment": {}}, "payment.token", "is required"),
        ({"payment": None}, "payment.token", "is required"),
        ({"payment": {"token": ""}}, "payment.token", "must not be empty"),
    ],
)
def test_a_wrong_field_is_named(
    changes: dict[str, Any], field: str, message: str, call: Call, stepfunctions: FakeStepFunctions
) -> None:
    # When
    response = place(call, an_order().with_body(**changes).body())

    # Then
    assert wrong_fields(response)[field] == message
    assert stepfunctions.executions == {}


def test_every_wrong_field_is_named_at_once(call: Call) -> None:
    # Given
    body = {"items": [{"sku": "a", "quantity": 1}, {"quantity": "2"}], "email": "ada"}

    # When
    fields = wrong_fields(place(call, body, key="two words"))

    # Then
    assert list(fields) == [
        "items[1].sku",
        "items[1].quantity",
        "email",
        "shipping_address.street",
        "shipping_address.city",
        "shipping_address.state",
        "shipping_address.zip_code",
        "shipping_address.country",
        "payment.token",
        "Idempotency-Key",
    ]


@pytest.mark.parametrize("body", [[], "text", 3, "null"])
def test_a_body_that_is_no_object_is_refused(body: Any, call: Call) -> None:
    # When
    response = place(call, json.dumps(body) if body != "null" else body)

    # Then
    assert wrong_fields(response)["body"] == "must be a JSON object"


def test_a_body_that_is_no_json_is_a_400(call: Call) -> None:
    assert place(call, "{")["status"] == 400


@pytest.mark.parametrize("key", ["", "k" * 256, "ключ"])
def test_a_senseless_idempotency_key_is_named(key: str, call: Call) -> None:
    assert "Idempotency-Key" in wrong_fields(place(call, key=key))


@pytest.mark.parametrize("header", ["Idempotency-Key", "idempotency-key", "X-Idempotency-Key"])
def test_the_same_key_and_body_get_the_same_answer_and_one_order(
    header: str, call: Call, stepfunctions: FakeStepFunctions, outbox_events: OutboxEvents
) -> None:
    # When
    answers = [
        call("POST", "/orders", body=an_order().body(), headers={header: "key-1"}) for _ in range(2)
    ]

    # Then
    assert answers[0]["status"] == answers[1]["status"] == 202
    assert answers[0]["body"] == answers[1]["body"]
    assert len(stepfunctions.executions) == 1
    assert len(outbox_events()) == 1


def test_the_same_answer_is_given_even_after_the_order_has_moved_on(
    call: Call, orders: OrderRepository
) -> None:
    # Given
    first = place(call, key="key-1")
    order = orders.get(first["body"]["order_id"])
    orders.save(order, domain.cancel(order, "OutOfStock", ORIGIN, PLACED_AT))

    # Then
    assert place(call, key="key-1")["body"] == first["body"]


def test_the_same_key_with_another_body_is_a_conflict(
    call: Call, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    place(call, key="key-1")

    # When
    response = place(call, an_order().with_item("product-001", 7).body(), key="key-1")

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert len(stepfunctions.executions) == 1


def test_the_same_body_written_in_another_way_is_the_same(call: Call) -> None:
    # Given
    body = an_order().body()
    first = place(call, body, key="key-1")

    # When
    reordered = json.dumps(dict(reversed(body.items())), indent=3)
    second = place(call, reordered, key="key-1")

    # Then
    assert second["body"] == first["body"]


def test_without_a_key_each_request_is_an_order_of_its_own(call: Call) -> None:
    # When
    placed = {place(call)["body"]["order_id"] for _ in range(2)}

    # Then
    assert len(placed) == 2


def test_an_order_whose_saga_could_not_be_started_is_accepted_all_the_same(
    call: Call,
    orders: OrderRepository,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
) -> None:
    # Given
    stepfunctions.refuse_with = "ThrottlingException"

    # When
    response = place(call)

    # Then the OrderPlaced event is there to start it
    assert response["status"] == 202
    assert orders.get(response["body"]["order_id"]).status == "PENDING"
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced"]


def test_a_new_order_shows_what_was_ordered_and_no_prices_yet(call: Call) -> None:
    # Given
    order_id = place(call)["body"]["order_id"]

    # When
    response = call("GET", "/orders/{order_id}", order_id=order_id)

    # Then
    assert response["status"] == 200
    assert response["body"] == {
        "order_id": order_id,
        "status": "PENDING",
        "items": [{"sku": "product-001", "quantity": 1, "name": None, "unit_price_cents": None}],
        "total_cents": None,
        "currency": None,
        "reason": None,
        "created_at": "2026-03-01T09:30:00.125Z",
        "updated_at": "2026-03-01T09:30:00.125Z",
    }


def test_a_reserved_order_shows_its_prices_and_a_cancelled_one_its_reason(
    call: Call, orders: OrderRepository
) -> None:
    # Given
    order = an_order().with_item("product-001", 2).reserved().build()
    orders.add(domain.place(order, ORIGIN), None)
    orders.save(order, domain.cancel(order, "PaymentDeclined", ORIGIN, PLACED_AT))

    # When
    body = call("GET", "/orders/{order_id}", order_id=order.order_id)["body"]

    # Then
    assert body["items"] == [
        {
            "sku": "product-001",
            "quantity": 2,
            "name": "Name of product-001",
            "unit_price_cents": 129_900,
        }
    ]
    assert (body["total_cents"], body["currency"]) == (259_800, "USD")
    assert body["status"] == "CANCELLED"
    assert body["reason"] == {
        "code": "PAYMENT_DECLINED",
        "message": "Your payment was declined. You have not been charged.",
    }


@pytest.mark.parametrize("order_id", [ORDER_ID, "nonsense", "ord_" + "9" * 3000])
@pytest.mark.parametrize("resource", ["/orders/{order_id}", "/orders/{order_id}/timeline"])
def test_an_order_that_does_not_exist_is_a_404(resource: str, order_id: str, call: Call) -> None:
    # When
    response = call("GET", resource, order_id=order_id)

    # Then
    assert (response["status"], response["body"]["code"]) == (404, "ORDER_NOT_FOUND")


def test_the_timeline_tells_the_orders_and_the_other_services_events_in_time(
    call: Call, orders: OrderRepository, frozen_clock: Any
) -> None:
    # Given
    order_id = place(call)["body"]["order_id"]
    frozen_clock.advance(seconds=1)
    declined = DomainEvent(
        "payment", "PaymentDeclined", order_id, frozen_clock.now(), ORIGIN, {"reason": "no"}
    )
    orders.log(LoggedEvent(declined.source, declined.type, declined.envelope()))

    # When
    response = call("GET", "/orders/{order_id}/timeline", order_id=order_id)

    # Then
    assert response["status"] == 200
    assert [
        (event["service"], event["type"], event["occurred_at"], event["execution"])
        for event in response["body"]["events"]
    ] == [
        ("order", "OrderPlaced", "2026-03-01T09:30:00.125Z", order_id),
        ("payment", "PaymentDeclined", "2026-03-01T09:30:01.125Z", order_id),
    ]


def test_the_service_tells_that_it_is_well(call: Call) -> None:
    assert call("GET", "/order/health")["body"] == {"service": "order", "status": "ok"}
