"""Failures are injected into a running store, and stop being injected, without a deploy."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sagashop_ops import chaos
from sagashop_ops.aws import Deployment
from sagashop_ops.client import ADDRESS, Json, Line, StoreClient, order_body
from sagashop_ops.journal import Journal
from sagashop_ops.stack import Stack
from support.outage import close_circuits
from support.saga import Saga
from support.waiting import eventually

SKU = "product-003"


@pytest.fixture
def deployment(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[Deployment]:
    """The store, in which no failures are injected afterwards, and no circuit is open."""
    deployment = Deployment.of(Stack(**stack))
    yield deployment
    chaos.turn_off(deployment, Journal.of(deployment))
    close_circuits(stack, aws)


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("payment.failure_rate=1", "PAYMENT_DECLINED"),
        pytest.param("payment.decline_above_cents=1", "PAYMENT_DECLINED", marks=pytest.mark.full),
        pytest.param("shipping.failure_rate=1", "SHIPMENT_REJECTED", marks=pytest.mark.full),
    ],
)
def test_an_injected_failure_cancels_orders_until_it_is_turned_off(
    setting: str, reason: str, deployment: Deployment, store: StoreClient, saga: Saga
) -> None:
    def order() -> Json:
        return saga.wait_until_ended(store.place_order([Line(SKU, 1)], "tok_visa"))

    # Functions look at the settings every other second.
    chaos.change(deployment, Journal.of(deployment), [setting])
    failed = eventually(order, until=lambda order: order["status"] == "CANCELLED")
    assert failed["reason"]["code"] == reason

    chaos.turn_off(deployment, Journal.of(deployment))
    eventually(order, until=lambda order: order["status"] == "COMPLETED")


def test_a_slow_carrier_takes_as_long_as_it_was_told(
    deployment: Deployment, store: StoreClient, saga: Saga
) -> None:
    chaos.change(deployment, Journal.of(deployment), ["shipping.delay_seconds=1.5"])

    def seconds_in_shipping() -> float:
        order_id = store.place_order([Line(SKU, 1)], "tok_visa")
        assert saga.wait_until_ended(order_id)["status"] == "COMPLETED"
        times = {
            event["type"]: event["timestamp"]
            for event in _history(deployment, order_id)
            if "CreateShipment"
            in (
                event.get("stateEnteredEventDetails", {}).get("name"),
                event.get("stateExitedEventDetails", {}).get("name"),
            )
        }
        return float((times["TaskStateExited"] - times["TaskStateEntered"]).total_seconds())

    eventually(seconds_in_shipping, until=lambda seconds: seconds >= 1.5)


def _history(deployment: Deployment, order_id: str) -> list[dict[str, Any]]:
    machine = deployment.stack.state_machine_arn.replace(":stateMachine:", ":execution:")
    pages = (
        deployment.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=f"{machine}:{order_id}")
    )
    return [event for page in pages for event in page["events"]]


def test_one_order_is_broken_and_no_other(store: StoreClient, saga: Saga) -> None:
    # Given
    correlation_id = f"sandbox-{uuid.uuid4().hex}"
    armed = {"correlation_id": correlation_id, "failure": "commit_fails"}
    store.post("/sandbox/failures", armed).raise_for_status()

    # When
    body = order_body([Line(SKU, 1)], "tok_visa", ADDRESS["country"])
    headers = {"X-Correlation-Id": correlation_id}
    broken = store.post("/orders", body, headers).json()["order_id"]
    other = store.place_order([Line(SKU, 1)], "tok_visa")

    # Then
    assert saga.wait_until_ended(other)["status"] == "COMPLETED"
    assert saga.wait_until_ended(broken)["status"] == "CANCELLED"
    assert saga.failures(broken) == ["InjectedFailure"]
    # And what has struck is used up
    again = store.post("/orders", body, headers).json()["order_id"]
    assert saga.wait_until_ended(again)["status"] == "COMPLETED"
