"""What other services' functions may ask about orders."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from builders import ACCOUNT_ID, ORDER_ID, PLACED_AT, an_order
from order import queries
from order.domain import Change
from order.views import order_view
from shared.errors import NotFound, ValidationFailed
from shared.tokens import Tokens
from unit.order.fakes import FakeOrders

SECOND_ID = f"{ORDER_ID[:-1]}2"


@pytest.fixture(autouse=True)
def _stored(orders: FakeOrders, stack_tokens: Tokens) -> None:
    orders.add(Change(an_order().build()), None)
    orders.add(Change(an_order().with_id(SECOND_ID).cancelled().build()), None)


def test_the_statuses_of_the_orders_that_exist_are_told(lambda_context: Any) -> None:
    # When
    answer = queries.handler(
        {"query": "order_statuses", "order_ids": [ORDER_ID, SECOND_ID, f"{ORDER_ID[:-1]}3"]},
        lambda_context,
    )

    # Then
    assert answer == {"statuses": {ORDER_ID: "PENDING", SECOND_ID: "CANCELLED"}}
    assert json.dumps(answer)


def test_a_hundred_orders_may_be_asked_about_at_once(lambda_context: Any) -> None:
    # Given
    asked = [f"{ORDER_ID[:-2]}{number:02d}" for number in range(100)]

    # Then
    answer = queries.handler({"query": "order_statuses", "order_ids": asked}, lambda_context)
    assert set(answer["statuses"]) == {ORDER_ID, SECOND_ID}
    with pytest.raises(ValidationFailed, match="at most 100"):
        queries.handler(
            {"query": "order_statuses", "order_ids": [*asked, SECOND_ID]}, lambda_context
        )


@pytest.mark.parametrize("query", [{}, {"order_ids": ORDER_ID}, {"order_ids": [7]}])
def test_a_senseless_question_is_refused(query: dict[str, Any], lambda_context: Any) -> None:
    with pytest.raises(ValidationFailed):
        queries.handler({"query": "order_statuses"} | query, lambda_context)


def test_a_customers_address_and_token_are_told_and_not_logged(
    lambda_context: Any, stack_tokens: Tokens, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    answer = queries.handler({"query": "customer", "order_id": ORDER_ID}, lambda_context)

    # Then
    order_token = stack_tokens.for_order(ORDER_ID, PLACED_AT)
    assert answer == {
        "email": "ada@example.com",
        "payment_due_at": None,
        "order_token": order_token,
    }
    assert not any(part in json.dumps(logged()) for part in ("ada@example.com", order_token))
    assert logged()[-1]["order_id"] == ORDER_ID


def test_an_orders_owner_is_told(orders: FakeOrders, lambda_context: Any) -> None:
    # Given
    third_id = f"{ORDER_ID[:-1]}4"
    orders.add(Change(an_order().with_id(third_id).owned_by(ACCOUNT_ID).build()), None)

    # Then a guest's order has none, and neither has one that does not exist
    for order_id, owner in ((third_id, ACCOUNT_ID), (ORDER_ID, None), (f"{ORDER_ID[:-1]}9", None)):
        answer = queries.handler({"query": "owner", "order_id": order_id}, lambda_context)
        assert answer == {"account_id": owner}


def test_an_order_is_told_as_its_customer_sees_it_with_its_version(
    orders: FakeOrders, lambda_context: Any, frozen_clock: Any
) -> None:
    # Given
    third_id = f"{ORDER_ID[:-1]}4"
    order = an_order().with_id(third_id).paid().build()
    orders.add(Change(order), None)

    def told(order_id: str) -> dict[str, Any]:
        return queries.handler({"query": "order", "order_id": order_id}, lambda_context)

    # Then
    view = order_view(order, frozen_clock.now())
    assert told(third_id) == {"sequence": order.version, "order": view}
    assert "ada@example.com" not in json.dumps(told(third_id))
    assert told(f"{ORDER_ID[:-1]}9") == {"sequence": None, "order": None}


def test_it_is_told_until_when_a_customer_can_pay(
    orders: FakeOrders, lambda_context: Any, frozen_clock: Any
) -> None:
    # Given
    third_id = f"{ORDER_ID[:-1]}4"
    orders.add(Change(an_order().with_id(third_id).awaiting_payment().build()), None)

    def due_at() -> str | None:
        answer = queries.handler({"query": "customer", "order_id": third_id}, lambda_context)
        due: str | None = answer["payment_due_at"]
        return due

    # Then
    assert due_at() == "2026-03-01T09:45:00.000Z"
    frozen_clock.advance(minutes=15)
    assert due_at() is None


def test_the_customer_of_an_order_that_does_not_exist_is_not_found(lambda_context: Any) -> None:
    with pytest.raises(NotFound):
        queries.handler({"query": "customer", "order_id": f"{ORDER_ID[:-1]}3"}, lambda_context)
    with pytest.raises(ValidationFailed):
        queries.handler({"query": "customer"}, lambda_context)


@pytest.mark.parametrize("query", [{}, {"query": "orders"}, {"query": ["customer"]}])
def test_a_question_of_another_kind_is_refused(query: dict[str, Any], lambda_context: Any) -> None:
    with pytest.raises(ValidationFailed, match="order_statuses, owner, order or customer"):
        queries.handler({"order_id": ORDER_ID, **query}, lambda_context)
