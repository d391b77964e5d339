"""Processes die at the worst moment, and the order ends all the same with the books right."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from order import domain
from order.domain import Address, Order, Status
from order.repository import OrderRepository
from sagashop_ops.audit import Books
from sagashop_ops.client import ADDRESS, Line, StoreClient
from shared.events import Origin
from shared.ids import new_id
from support.outage import environment_of, reconfigured
from support.saga import Saga
from support.waiting import eventually
from support.workers import kill_workers_of


def test_an_order_whose_request_died_before_its_saga_began_is_started_by_its_event(
    stack: dict[str, Any], aws: Callable[[str], Any], saga: Saga, new_product: Callable[..., str]
) -> None:
    # Given an API that stored an order and its event
    now = datetime.now(UTC)
    order = Order(
        order_id=new_id("ord", now),
        status=Status.PENDING,
        lines=(domain.Line(new_product(), 1),),
        email="ada@example.com",
        shipping_address=Address(**ADDRESS),
        payment_token="tok_visa",
        correlation_id=f"test-{uuid.uuid4()}",
        created_at=now,
        updated_at=now,
    )
    orders = OrderRepository(aws("dynamodb"), stack["tables"]["order"])
    orders.add(domain.place(order, Origin(order.correlation_id)), None)

    # When it dies before it has started the saga
    # Then the event starts it
    eventually(lambda: saga.states(order.order_id))
    assert saga.wait_until_ended(order.order_id)["status"] == "COMPLETED"


def test_a_worker_killed_between_taking_the_money_and_saying_so_costs_nobody_anything(
    stack: dict[str, Any],
    store: StoreClient,
    saga: Saga,
    aws: Callable[[str], Any],
    new_product: Callable[..., str],
    books: Callable[[], Books],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given a charge that the provider has made, and whose worker still waits for the reply
    sku = new_product(10)
    charging = saga.function_name("ChargePayment")
    patient = environment_of(charging, aws) | {"PAYMENT_REPLY_TIMEOUT_SECONDS": "8"}
    with reconfigured(charging, aws, Environment={"Variables": patient}):
        order_id = store.place_order([Line(sku, 1)], "tok_lost_reply")
        charge_key = {"pk": {"S": f"PROVIDER#{order_id}"}, "sk": {"S": "CHARGE"}}
        eventually(
            lambda: aws("dynamodb").get_item(TableName=stack["tables"]["payment"], Key=charge_key),
            until=lambda response: "captured_cents" in response.get("Item", {}),
            every=0.02,
        )

        # When the worker is killed
        assert kill_workers_of(stack, charging) > 0

    # Then the task is tried again, and the order ends with everything given back
    order = saga.wait_until_ended(order_id)
    assert (order["status"], order["reason"]["code"]) == ("CANCELLED", "INTERNAL_ERROR")
    assert saga.failures(order_id) == ["Runtime.ExitError", "PaymentOutcomeUnknown"]
    charge = books().charges[order_id]
    assert charge["captured_cents"] == charge["refunded_cents"] > 0
    assert stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}


@pytest.mark.full
def test_orders_complete_while_the_workers_of_their_tasks_are_killed(
    stack: dict[str, Any],
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given orders that are under way
    sku = new_product(10)
    orders = [store.place_order([Line(sku, 1)], "tok_visa") for _ in range(5)]

    # When the workers of one service's steps after the other are killed
    for task in ("ReserveStock", "ChargePayment", "RecordPayment", "CommitStock", "CompleteOrder"):
        kill_workers_of(stack, saga.function_name(task))

    # Then every order completes
    assert {order["status"] for order in saga.wait_until_all_ended(*orders)} == {"COMPLETED"}
    assert stock_of(sku) == {"available": 5, "reserved": 0, "sold": 5}
