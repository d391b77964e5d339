"""The order service's HTTP API, from API Gateway's event to the table and back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, a_request, an_order, undone
from order import api, domain, payment_window
from order.domain import Change, Status
from order.saga_input import execution_input
from shared import ids
from shared.errors import CancelledByCustomer
from shared.events import DomainEvent, PublishedEvent
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

type Call = Callable[..., dict[str, Any]]
type OutboxEvents = Callable[[], list[tuple[str, dict[str, Any]]]]


@pytest.fixture
def call(
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
    stack_tokens: Tokens,
) -> Call:
    """Calls the API: `call("GET", "/orders/{order_id}", order_id="…")` gives status and body.

    Whoever calls for an order has its token.
    """

    def send(method: str, resource: str, **arguments: Any) -> dict[str, Any]:
        if ids.is_id("ord", order_id := arguments.get("order_id", "")):
            token = stack_tokens.for_order(order_id, PLACED_AT)
            arguments["headers"] = {"Authorization": f"Bearer {token}"}
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
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
    stack_tokens: Tokens,
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
        "order_token": stack_tokens.for_order(order_id, PLACED_AT),
    }
    order = orders.get(order_id)
    assert order.email == "ada@example.com"
    assert stepfunctions.executions == {order_id: execution_input(order, 900, PLACED_AT)}
    ((event_type, detail),) = outbox_events()
    assert event_type == "OrderPlaced"
    assert detail["metadata"]["correlation_id"] == response["headers"]["X-Correlation-Id"]
    assert order.trace_id is not None
    assert detail["metadata"]["trace_id"] == order.trace_id


def test_the_payment_token_is_neither_on_the_bus_nor_in_an_answer_nor_in_the_log(
    call: Call, outbox_events: OutboxEvents, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    response = place(call)
    view = call("GET", "/orders/{order_id}", order_id=response["body"]["order_id"])

    # Then
    assert "tok_visa" not in json.dumps([response, view, outbox_events(), logged()])


def test_lines_of_the_same_sku_are_merged(call: Call, orders: FakeOrders) -> None:
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
        ({"payment": "tok_visa"}, "payment", "must be a JSON object"),
        ({"payment": {"token": ""}}, "payment.token", "must not be empty"),
        ({"payment": {"token": 7}}, "payment.token", "must be a text"),
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
        "Idempotency-Key",
    ]


@pytest.mark.parametrize("body", [[], "text", 3, "null"])
def test_a_body_that_is_no_object_is_refused(body: Any, call: Call) -> None:
    # When
    response = place(call, json.dumps(body) if body != "null" else body)

    # Then
    assert (response["status"], response["body"]["code"]) == (400, "MALFORMED_REQUEST")


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
    call: Call, orders: FakeOrders
) -> None:
    # Given
    first = place(call, key="key-1")
    order = orders.get(first["body"]["order_id"])
    orders.save(order, undone(order, "OutOfStock", PLACED_AT))

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


def test_the_same_key_for_another_place_is_a_conflict(call: Call) -> None:
    # Given
    place(call, key="key-1")

    # Then
    elsewhere = {**an_order().body()["shipping_address"], "zip_code": "62702"}
    response = place(call, an_order().with_body(shipping_address=elsewhere).body(), key="key-1")
    assert (response["status"], response["body"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_two_customers_may_use_the_same_key(call: Call) -> None:
    # When
    orders = [
        place(call, an_order().with_body(email=email).body(), key="key-1")["body"]["order_id"]
        for email in ("ada@example.com", "grace@example.com")
    ]

    # Then
    assert len(set(orders)) == 2


def test_another_payment_token_is_the_same_request(call: Call) -> None:
    # Given
    first = place(call, key="key-1")

    # When the client got a new token for its second attempt
    second = place(call, an_order().with_body(payment={"token": "tok_2"}).body(), key="key-1")

    # Then
    assert (second["status"], second["body"]) == (202, first["body"])


def test_a_retry_is_the_same_request_after_the_order_has_got_its_prices(
    call: Call, orders: FakeOrders
) -> None:
    # Given lines that the reservation returned in another order, with names and prices
    body = an_order().with_item("a", 1).with_item("b", 2).body()
    first = place(call, body, key="key-1")
    order = orders.get(first["body"]["order_id"])
    priced = tuple(replace(line, name="N", unit_price_cents=5) for line in reversed(order.lines))
    orders.save(order, domain.price(order, priced, 15, "USD", PLACED_AT))

    # Then
    assert place(call, body, key="key-1")["body"] == first["body"]


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
    orders: FakeOrders,
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
        "status_text": {
            "label": "In progress",
            "headline": "We're preparing your order",
            "detail": "We set the items aside and take your payment. "
            "This usually takes a second or two.",
        },
        "items": [{"sku": "product-001", "quantity": 1, "name": None, "unit_price_cents": None}],
        "total_cents": None,
        "currency": None,
        "reason": None,
        "payment_due_at": None,
        "shipment": None,
        "cancel_requested": False,
        "created_at": "2026-03-01T09:30:00.125Z",
        "updated_at": "2026-03-01T09:30:00.125Z",
    }


def test_a_reserved_order_shows_its_prices_and_a_cancelled_one_its_reason(
    call: Call, orders: FakeOrders
) -> None:
    # Given
    order = an_order().with_item("product-001", 2).reserved().build()
    orders.add(domain.place(order, ORIGIN), None)
    orders.save(order, undone(order, "PaymentDeclined", PLACED_AT))

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
    call: Call, orders: FakeOrders, frozen_clock: Any
) -> None:
    # Given
    order_id = place(call)["body"]["order_id"]
    frozen_clock.advance(seconds=1)
    declined = DomainEvent(
        "payment", "PaymentDeclined", order_id, frozen_clock.now(), ORIGIN, {"reason": "no"}
    )
    orders.log(PublishedEvent(declined.source, declined.type, declined.envelope()))

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


@pytest.mark.parametrize("payment", [None, {}, {"token": None}])
def test_an_order_without_a_payment_token_is_paid_later(
    payment: Any, call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # When
    response = place(call, an_order().body() | {"payment": payment})

    # Then
    order_id = response["body"]["order_id"]
    assert (response["status"], response["body"]["status"]) == (202, "PENDING")
    assert orders.get(order_id).payment_token is None
    assert json.loads(stepfunctions.executions[order_id])["payment"] == {"token": None}


@pytest.fixture
def waiting(orders: FakeOrders, stepfunctions: FakeStepFunctions) -> str:
    """The id of an order that waits for its customer to pay."""
    orders.add(Change(an_order().awaiting_payment().build()), None)
    stepfunctions.waiting = {"task-token-1"}
    return an_order().order_id


def pay(call: Call, order_id: str, given: Any = "tok_visa") -> dict[str, Any]:
    return call("POST", "/orders/{order_id}/payment", order_id=order_id, body={"token": given})


def cancel(call: Call, order_id: str) -> dict[str, Any]:
    return call("POST", "/orders/{order_id}/cancel", order_id=order_id)


def test_an_order_that_waits_shows_until_when_and_never_the_task_token(
    waiting: str, call: Call
) -> None:
    # When
    body = call("GET", "/orders/{order_id}", order_id=waiting)["body"]

    # Then
    assert (body["status"], body["payment_due_at"]) == (
        "AWAITING_PAYMENT",
        "2026-03-01T09:45:00.000Z",
    )
    assert "task-token" not in json.dumps(body)


def test_a_completed_order_shows_how_it_travels(call: Call, orders: FakeOrders) -> None:
    # Given
    orders.add(Change(an_order().completed().build()), None)

    # When
    body = call("GET", "/orders/{order_id}", order_id=ORDER_ID)["body"]

    # Then
    assert body["shipment"] == {"carrier": "Swift Parcel", "tracking_number": "SP123456789US"}


def test_a_payment_is_taken_and_wakes_the_saga(
    waiting: str, call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # When
    response = pay(call, waiting)

    # Then
    assert response["status"] == 202
    assert response["body"] == {
        "order_id": waiting,
        "status": "AWAITING_PAYMENT",
        "links": {"self": f"/orders/{waiting}", "timeline": f"/orders/{waiting}/timeline"},
    }
    assert orders.get(waiting).payment_token == "tok_visa"
    assert stepfunctions.woken == ["task-token-1"]


def test_the_same_payment_again_is_the_same_answer(
    waiting: str, call: Call, orders: FakeOrders
) -> None:
    # When
    answers = [pay(call, waiting) for _ in range(2)]

    # Then
    assert [answer["status"] for answer in answers] == [202, 202]
    assert answers[0]["body"] == answers[1]["body"]
    assert orders.get(waiting).version == 2


def test_another_payment_is_refused_and_the_first_stays(
    waiting: str, call: Call, orders: FakeOrders
) -> None:
    # Given
    pay(call, waiting, "tok_visa")

    # When
    response = pay(call, waiting, "tok_other")

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "ORDER_NOT_AWAITING_PAYMENT")
    assert orders.get(waiting).payment_token == "tok_visa"


def test_a_payment_after_the_time_to_pay_is_refused(
    waiting: str, call: Call, orders: FakeOrders, frozen_clock: Any
) -> None:
    # Given
    frozen_clock.advance(minutes=15)

    # When
    response = pay(call, waiting)

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "ORDER_NOT_AWAITING_PAYMENT")
    assert response["body"]["detail"] == "The time to pay is over."
    assert orders.get(waiting).payment_token is None


def test_a_payment_that_could_not_wake_the_saga_is_taken_all_the_same(
    waiting: str, call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    stepfunctions.refuse_with = "ThrottlingException"

    # When
    response = pay(call, waiting)

    # Then the end of the time limit wakes it, and it finds the payment
    assert response["status"] == 202
    assert orders.get(waiting).payment_token == "tok_visa"


def test_the_customer_who_repeats_a_payment_wakes_a_saga_that_was_not_woken(
    waiting: str, call: Call, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    stepfunctions.refuse_with = "ThrottlingException"
    pay(call, waiting)
    stepfunctions.refuse_with = None

    # When
    pay(call, waiting)

    # Then
    assert stepfunctions.woken == ["task-token-1"]


def test_a_payment_without_a_token_names_what_is_missing(waiting: str, call: Call) -> None:
    assert wrong_fields(pay(call, waiting, None)) == {"token": "is required"}


def test_a_given_token_is_neither_in_an_answer_nor_in_the_log(
    waiting: str, call: Call, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    response = pay(call, waiting)

    # Then
    assert "tok_visa" not in json.dumps([response, logged()])


def test_a_cancellation_is_taken_told_and_wakes_a_saga_that_waits(
    waiting: str,
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
) -> None:
    # When
    response = cancel(call, waiting)

    # Then
    assert (response["status"], response["body"]["status"]) == (202, "AWAITING_PAYMENT")
    assert orders.get(waiting).cancel_requested_at is not None
    assert stepfunctions.woken == ["task-token-1"]
    assert [event_type for event_type, _ in outbox_events()] == ["OrderCancellationRequested"]
    shown = call("GET", "/orders/{order_id}", order_id=waiting)["body"]
    assert (shown["cancel_requested"], shown["payment_due_at"]) == (True, None)


@pytest.mark.parametrize("order", [an_order(), an_order().paid()], ids=lambda order: order.status)
def test_a_cancellation_of_a_running_saga_waits_for_its_next_step(
    order: Any, call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(Change(order.build()), None)

    # When
    answers = [cancel(call, order.order_id) for _ in range(2)]

    # Then
    assert [answer["status"] for answer in answers] == [202, 202]
    assert stepfunctions.woken == []


def test_a_completed_order_is_not_cancelled(call: Call, orders: FakeOrders) -> None:
    # Given
    orders.add(Change(an_order().completed().build()), None)

    # When
    response = cancel(call, ORDER_ID)

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "ORDER_NOT_CANCELLABLE")


@pytest.mark.parametrize("first", ["pay", "cancel"])
def test_a_payment_and_a_cancellation_at_the_same_moment_have_one_outcome(
    first: str,
    waiting: str,
    call: Call,
    orders: FakeOrders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given: between one request's read and its write, the other one's is served.
    other = {"pay": cancel, "cancel": pay}[first]
    served = []
    read = orders.get

    def read_and_be_overtaken(order_id: str) -> domain.Order:
        order = read(order_id)
        if not served:
            served.append(None)
            served[0] = other(call, waiting)["status"]
        return order

    monkeypatch.setattr(orders, "get", read_and_be_overtaken)
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    # When
    response = {"pay": pay, "cancel": cancel}[first](call, waiting)

    # Then whoever wrote first was accepted, a payment after a cancellation refused, and the window
    # closes as a cancellation either way
    assert served == [202]
    assert response["status"] == {"pay": 409, "cancel": 202}[first]
    order = read(waiting)
    assert order.cancel_requested_at is not None
    with pytest.raises(CancelledByCustomer):
        payment_window.close(order, PLACED_AT)


def test_a_request_that_is_always_overtaken_is_told_to_try_again(
    waiting: str, call: Call, orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    stale = an_order().awaiting_payment().build()
    orders.save(stale, Change(domain.changed(stale, PLACED_AT, status=Status.AWAITING_PAYMENT)))
    monkeypatch.setattr(orders, "get", lambda order_id: stale)
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    # Then
    assert pay(call, waiting)["status"] == 503


@pytest.mark.parametrize("resource", ["/orders/{order_id}/payment", "/orders/{order_id}/cancel"])
def test_what_does_not_exist_can_neither_be_paid_nor_cancelled(resource: str, call: Call) -> None:
    # When
    response = call("POST", resource, order_id=ORDER_ID, body={"token": "tok_visa"})

    # Then
    assert (response["status"], response["body"]["code"]) == (404, "ORDER_NOT_FOUND")
