"""The operators' API: shut for everybody else, and a redrive that goes on where the saga stood."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, a_request, an_order
from order import ops_api
from order.domain import Change, Order, Owed, Status
from order.redrive import redrive
from shared import clock
from shared.errors import Conflict, StorageContention
from shared.storage import Position, Unreadable
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

type Call = Callable[..., dict[str, Any]]
type OutboxEvents = Callable[[], list[tuple[str, dict[str, Any]]]]

OPERATOR_ID = "acc_01JNQ4ZV8X0000000000000001"
REASON = {"reason": "the provider is fixed"}


@pytest.fixture
def call(
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    services: dict[str, Owed],
    stack_tokens: Tokens,
    frozen_clock: Any,
    lambda_context: Any,
) -> Call:
    """Calls the API as an operator, unless it is given other headers."""

    def send(method: str, resource: str, **arguments: Any) -> dict[str, Any]:
        token = stack_tokens.for_account(OPERATOR_ID, "operator", clock.now())
        authorized = {"Authorization": f"Bearer {token}"}
        request = a_request(method, resource, **{"headers": authorized, **arguments})
        response = ops_api.handler(request, lambda_context)
        return {
            "status": response["statusCode"],
            "headers": response["headers"],
            "body": json.loads(response["body"]),
        }

    return send


def parked() -> Order:
    return an_order().paid().parked().build()


def have(orders: FakeOrders, order: Order, state: str | None, sagas: FakeStepFunctions) -> str:
    """Stores an order whose first execution is in this state."""
    orders.add(Change(order), None)
    if state is not None:
        sagas.states[order.order_id] = state
        sagas.executions[order.order_id] = "the first input"
    return order.order_id


def ask_to_redrive(call: Call, order_id: str, body: Any = None) -> dict[str, Any]:
    return call("POST", "/ops/orders/{order_id}/redrive", order_id=order_id, body=body or REASON)


ROUTES = [
    ("GET", "/ops/orders"),
    ("POST", "/ops/orders/{order_id}/redrive"),
    ("GET", "/order/health"),
]


@pytest.mark.parametrize(("method", "resource"), ROUTES)
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "UNAUTHORIZED"),
        ({"Authorization": ""}, "INVALID_TOKEN"),
        ({"Authorization": "Bearer"}, "INVALID_TOKEN"),
        ({"Authorization": "Bearer x"}, "INVALID_TOKEN"),
        ({"Authorization": "Basic YTpi"}, "INVALID_TOKEN"),
        ({"Authorization": "Bearer ключ"}, "INVALID_TOKEN"),
    ],
)
def test_nobody_gets_in_without_a_token_whatever_they_ask_for(
    headers: dict[str, str],
    code: str,
    method: str,
    resource: str,
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
) -> None:
    # Given
    order_id = have(orders, parked(), "FAILED", stepfunctions)

    # When: neither the body nor the order is looked at
    response = call(method, resource, order_id=order_id, body="{", headers=headers)

    # Then
    assert (response["status"], response["body"]["code"]) == (401, code)
    assert response["headers"]["WWW-Authenticate"].startswith("Bearer")
    assert orders.get(order_id).redrives == 0


@pytest.mark.parametrize(("method", "resource"), ROUTES)
@pytest.mark.parametrize("whose", ["a customer's", "the order's"])
def test_to_everybody_but_operators_it_is_not_there(
    whose: str,
    method: str,
    resource: str,
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    stack_tokens: Tokens,
) -> None:
    # Given
    order_id = have(orders, parked(), "FAILED", stepfunctions)
    token = {
        "a customer's": stack_tokens.for_account(OPERATOR_ID, "customer", clock.now()),
        "the order's": stack_tokens.for_order(order_id, clock.now()),
    }[whose]

    # When
    headers = {"Authorization": f"Bearer {token}"}
    response = call(method, resource, order_id=order_id, body=REASON, headers=headers)

    # Then
    assert (response["status"], response["body"]["code"]) == (404, "NOT_FOUND")
    assert orders.get(order_id).redrives == 0


def test_without_keys_to_check_a_token_with_it_stays_shut(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    def fail() -> Tokens:
        raise RuntimeError

    monkeypatch.setattr("shared.tokens.tokens", fail)

    # Then
    assert call("GET", "/ops/orders")["status"] == 500


def test_a_parked_order_is_undone_again_from_the_first_compensation(
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
) -> None:
    # Given
    order_id = have(orders, parked(), "FAILED", stepfunctions)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert response["status"] == 202
    assert response["body"] == {
        "order_id": order_id,
        "execution": f"{order_id}-r1",
        "resume_at": "CancelShipment",
    }
    assert orders.get(order_id).status is Status.CANCELLING
    told = json.loads(stepfunctions.executions[f"{order_id}-r1"])
    assert told["failure"] == {"Error": "PaymentOutcomeUnknown", "Cause": ""}
    ((event_type, detail),) = outbox_events()
    assert event_type == "OrderRedriven"
    assert detail["data"] == {
        "order_id": order_id,
        "operator": OPERATOR_ID,
        "resume_at": "CancelShipment",
        **REASON,
    }


@pytest.mark.parametrize("state", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_dead_saga_begins_again(
    state: str, call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    order_id = have(orders, an_order().paid().build(), state, stepfunctions)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert (response["status"], response["body"]["resume_at"]) == (202, None)
    assert json.loads(stepfunctions.executions[f"{order_id}-r1"])["failure"] is None


@pytest.mark.parametrize("order", [an_order().build(), parked()], ids=lambda order: order.status)
def test_an_order_whose_saga_was_forgotten_is_redriven(
    order: Order,
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
) -> None:
    # Given
    order_id = have(orders, order, None, stepfunctions)
    frozen_clock.advance(seconds=10)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert response["status"] == 202
    assert list(stepfunctions.executions) == [f"{order_id}-r1"]


def test_a_saga_that_is_just_being_started_counts_as_running(
    call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given an order that was written a moment ago, by a request that starts its saga next
    order = replace(an_order().build(), updated_at=clock.now())
    order_id = have(orders, order, None, stepfunctions)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "SAGA_RUNNING")
    assert stepfunctions.executions == {}


def test_a_running_saga_is_left_alone(
    call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    order_id = have(orders, an_order().build(), "RUNNING", stepfunctions)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "SAGA_RUNNING")
    assert orders.get(order_id).redrives == 0


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED])
def test_an_ended_order_is_left_alone(
    status: Status, call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    order_id = have(orders, replace(an_order().build(), status=status), None, stepfunctions)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert (response["status"], response["body"]["code"]) == (409, "ORDER_HAS_ENDED")


def test_a_second_redrive_waits_for_the_first_and_is_told_on_its_own(
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
) -> None:
    # Given
    order_id = have(orders, parked(), "FAILED", stepfunctions)
    ask_to_redrive(call, order_id)

    # When
    too_soon = ask_to_redrive(call, order_id)
    stepfunctions.states[f"{order_id}-r1"] = "FAILED"
    second = ask_to_redrive(call, order_id)

    # Then
    assert (too_soon["status"], too_soon["body"]["code"]) == (409, "SAGA_RUNNING")
    assert second["body"]["execution"] == f"{order_id}-r2"
    ids = {detail["metadata"]["event_id"] for _, detail in outbox_events()}
    assert len(ids) == 2


def test_of_two_redrives_at_the_same_moment_one_is_counted_and_started(
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given: between the one's read and its write, the other one happens.
    order_id = have(orders, parked(), "FAILED", stepfunctions)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    read = orders.get
    overtaken = []

    def once_more(name: str) -> Order:
        return redrive(order_id, name, "repaired", ORIGIN, clock.now())

    def read_and_be_overtaken(wanted: str) -> Order:
        order = read(wanted)
        if not overtaken:
            overtaken.append(order)
            once_more("grace")
        return order

    monkeypatch.setattr(orders, "get", read_and_be_overtaken)

    # When
    with pytest.raises(Conflict) as caught:
        once_more("ada")

    # Then
    assert caught.value.code == "SAGA_RUNNING"
    assert orders.get(order_id).redrives == 1
    assert list(stepfunctions.executions) == [order_id, f"{order_id}-r1"]


def test_a_redrive_that_could_not_be_started_is_counted_for_the_sweeper_to_start(
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    order_id = have(orders, parked(), "FAILED", stepfunctions)
    describe = stepfunctions.describe_execution

    def answer_and_break(**request: str) -> dict[str, Any]:
        answer = describe(**request)
        stepfunctions.refuse_with = "ServiceUnavailable"
        return answer

    monkeypatch.setattr(stepfunctions, "describe_execution", answer_and_break)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert response["status"] == 202
    assert orders.get(order_id).redrives == 1
    assert not orders.get(order_id).is_parked


def test_nothing_is_redriven_while_the_sagas_engine_does_not_answer(
    call: Call, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    order_id = have(orders, parked(), "FAILED", stepfunctions)
    stepfunctions.refuse_with = "ServiceUnavailable"

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert (response["status"], response["body"]["code"]) == (503, "SERVICE_BUSY")
    assert orders.get(order_id).redrives == 0


def test_a_redrive_whose_answer_was_lost_is_not_denied(
    call: Call,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a table that writes and does not answer, and an engine that is gone after that
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    order_id = have(orders, parked(), "FAILED", stepfunctions)
    save = orders.save

    def save_and_lose_the_answer(before: Order, change: Change) -> None:
        save(before, change)
        stepfunctions.refuse_with = "ServiceUnavailable"
        raise StorageContention("no answer")

    monkeypatch.setattr(orders, "save", save_and_lose_the_answer)

    # When
    response = ask_to_redrive(call, order_id)

    # Then
    assert orders.get(order_id).redrives == 1
    assert (response["status"], response["body"]["code"]) == (503, "SERVICE_BUSY")
    assert "may have been recorded" in response["body"]["detail"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"operator": "ada"}, ["reason"]),
        ({"reason": ""}, ["reason"]),
    ],
)
def test_a_redrive_says_why(body: dict[str, Any], fields: list[str], call: Call) -> None:
    # When
    response = ask_to_redrive(call, ORDER_ID, body)

    # Then
    assert response["status"] == 422
    assert [error["field"] for error in response["body"]["errors"]] == fields


def test_what_does_not_exist_is_not_redriven(call: Call) -> None:
    assert ask_to_redrive(call, ORDER_ID)["status"] == 404


def test_the_unsettled_orders_are_listed_with_what_is_owed(call: Call, orders: FakeOrders) -> None:
    # Given
    orders.add(Change(parked()), None)
    pending = an_order().with_id(f"{ORDER_ID[:-1]}2").build()
    orders.add(Change(replace(pending, updated_at=PLACED_AT + timedelta(seconds=1))), None)
    orders.add(Change(an_order().with_id(f"{ORDER_ID[:-1]}3").completed().build()), None)

    # When
    listed = call("GET", "/ops/orders")["body"]["orders"]

    # Then
    assert [order["status"] for order in listed] == ["NEEDS_ATTENTION", "PENDING"]
    assert listed[0] == {
        "order_id": ORDER_ID,
        "status": "NEEDS_ATTENTION",
        "execution": ORDER_ID,
        "redrives": 0,
        "cancel_requested": False,
        "failure": "PaymentOutcomeUnknown",
        "parked": {
            "failure": "PaymentOutcomeUnknown",
            "compensation": "RefundPayment",
            "error": "RefundUnavailable",
            "owed": {
                "refund_cents": 129_900,
                "currency": "USD",
                "stock_held": [{"sku": "product-001", "quantity": 1}],
                "shipment_booked": False,
                "unanswered": [],
            },
        },
        "created_at": "2026-03-01T09:30:00.000Z",
        "updated_at": "2026-03-01T09:30:00.000Z",
    }
    assert listed[1]["parked"] is None


def test_one_unreadable_row_does_not_stop_the_list_of_orders(
    call: Call, orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    broken = Unreadable(Position("2026-03-01T09:30:00.000Z", "ord_broken"), "KeyError")
    monkeypatch.setattr(orders, "unsettled", lambda: [broken, parked()])

    # When
    listed = call("GET", "/ops/orders")["body"]

    # Then
    assert [order["order_id"] for order in listed["orders"]] == [ORDER_ID]
    assert listed["unreadable"] == ["ord_broken"]


def test_the_list_can_be_narrowed_to_one_status(
    call: Call, orders: FakeOrders, stack_tokens: Tokens, lambda_context: Any
) -> None:
    # Given
    orders.add(Change(parked()), None)
    orders.add(Change(an_order().with_id(f"{ORDER_ID[:-1]}2").build()), None)

    def listed(status: str) -> dict[str, Any]:
        token = stack_tokens.for_account(OPERATOR_ID, "operator", clock.now())
        headers = {"Authorization": f"Bearer {token}"}
        request = a_request("GET", "/ops/orders", headers=headers)
        request["multiValueQueryStringParameters"] = {"status": [status]}
        return ops_api.handler(request, lambda_context)

    # Then
    narrowed = json.loads(listed("PENDING")["body"])["orders"]
    assert [order["status"] for order in narrowed] == ["PENDING"]
    assert listed("STRANGE")["statusCode"] == 422
