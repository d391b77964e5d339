"""While the payment provider is down, orders wait for it, or are refused, and nothing is lost."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import pytest
import requests

from sagashop_ops import circuit
from sagashop_ops.aws import Deployment
from sagashop_ops.client import Line, StoreClient, order_body
from sagashop_ops.stack import Stack
from support.outage import close_circuits, environment_of, reconfigured
from support.saga import Saga
from support.waiting import eventually

SKU = "product-003"


@pytest.fixture
def provider_is_down(
    stack: dict[str, Any], saga: Saga, aws: Callable[[str], Any]
) -> Iterator[Callable[[], Any]]:
    """Takes the provider down meanwhile; two failures open its circuit for a minute."""
    parameter = f"/{stack['stack_name']}/provider-is-down"
    document = json.dumps({"payment": {"error_rate": 1}})
    aws("ssm").put_parameter(Name=parameter, Value=document, Type="String", Overwrite=True)
    function = saga.physical_name("PaymentSteps")
    variables = environment_of(function, aws) | {
        "CHAOS_PARAMETER": parameter,
        "CIRCUIT_FAILURES": "2",
        "CIRCUIT_COOLING_SECONDS": "60",
    }

    @contextmanager
    def down() -> Iterator[None]:
        with reconfigured(function, aws, Environment={"Variables": variables}):
            yield

    yield down
    close_circuits(stack, aws)


@pytest.mark.full
def test_orders_wait_while_the_provider_is_down_and_complete_when_it_is_back(
    provider_is_down: Callable[[], Any],
    stack: dict[str, Any],
    store: StoreClient,
    saga: Saga,
    aws: Callable[[str], Any],
) -> None:
    # Given
    deployment = Deployment.of(Stack(**stack))
    with provider_is_down():
        orders = [store.place_order([Line(SKU, 1)], "tok_visa") for _ in range(2)]
        # When
        for order_id in orders:
            eventually(
                lambda order_id=order_id: saga.failures(order_id),
                until=lambda failures: "CircuitOpen" in failures,
            )
        assert circuit.read(deployment)["payment"]["state"] == "OPEN"
        assert circuit.read(deployment)["shipping"]["state"] == "CLOSED"

    # Then
    close_circuits(stack, aws)
    for order in saga.wait_until_all_ended(*orders):
        assert order["status"] == "COMPLETED"


@pytest.mark.full
def test_a_store_that_is_told_to_refuses_new_orders_meanwhile(
    provider_is_down: Callable[[], Any],
    stack: dict[str, Any],
    saga: Saga,
    aws: Callable[[str], Any],
) -> None:
    # Given
    api = saga.physical_name("OrderApi")
    refusing = environment_of(api, aws) | {"REFUSE_ORDERS_WHILE_CIRCUIT_OPEN": "true"}

    waiting: list[str] = []

    def place() -> requests.Response:
        body = order_body([Line(SKU, 1)], "tok_visa", "GB")
        response = requests.post(f"{stack['api_url']}/orders", json=body, timeout=30)
        if response.status_code == HTTPStatus.ACCEPTED:
            waiting.append(response.json()["order_id"])
        return response

    with reconfigured(api, aws, Environment={"Variables": refusing}):
        with provider_is_down():
            # When
            place()
            eventually(
                lambda: saga.failures(waiting[0]), until=lambda failures: "CircuitOpen" in failures
            )
            refused = eventually(
                place, until=lambda response: response.status_code != HTTPStatus.ACCEPTED
            )
            # Then
            assert refused.status_code == HTTPStatus.SERVICE_UNAVAILABLE
            assert refused.json()["code"] == "PAYMENTS_UNAVAILABLE"
            assert 0 < int(refused.headers["Retry-After"]) <= 60
        close_circuits(stack, aws)
        eventually(place, until=lambda response: response.status_code == HTTPStatus.ACCEPTED)
    for order in saga.wait_until_all_ended(*waiting):
        assert order["status"] == "COMPLETED"
