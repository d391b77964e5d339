"""What an operator finds in CloudWatch Logs about one order, and what nobody may find there."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sagashop_ops.client import Json, Line, StoreClient, order_body
from support.saga import Saga
from support.waiting import eventually

STEPS = [
    "ReserveStock",
    "RecordReservation",
    "ChargePayment",
    "RecordPayment",
    "CommitStock",
    "CompleteOrder",
]
TOKEN = "tok_visa"


@pytest.fixture(scope="module")
def placed(store: StoreClient, saga: Saga) -> requests.Response:
    """The answer to an order that has completed since."""
    response = store.post_order(order_body([Line("product-014", 1)], TOKEN))
    saga.wait_until_ended(response.json()["order_id"])
    return response


@pytest.fixture(scope="module")
def messages_of(aws: Callable[[str], Any]) -> Callable[[str], list[str]]:
    """Reads all messages of a log group. LocalStack's filter patterns let everything through."""

    def read(group: str) -> list[str]:
        pages = aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]

    return read


@pytest.fixture(scope="module")
def lines(
    placed: requests.Response, saga: Saga, messages_of: Callable[[str], list[str]]
) -> dict[str, list[Json]]:
    """What each step logged about the order; the logs arrive a moment later."""
    order_id = placed.json()["order_id"]

    def logged(step: str) -> list[Json]:
        messages = messages_of(f"/aws/lambda/{saga.function_name(step)}")
        parsed = (json.loads(message) for message in messages if message.startswith("{"))
        return [
            line for line in parsed if (line.get("order_id"), line.get("step")) == (order_id, step)
        ]

    return {
        step: eventually(
            lambda step=step: logged(step),  # type: ignore[misc]
            until=lambda found: "step succeeded" in {line["message"] for line in found},
        )
        for step in STEPS
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_step_logs_its_start_and_its_outcome(step: str, lines: dict[str, list[Json]]) -> None:
    assert [line["message"] for line in lines[step]] == ["step started", "step succeeded"]


@pytest.mark.parametrize("step", STEPS)
def test_every_line_about_an_order_names_its_execution_and_its_request(
    step: str, lines: dict[str, list[Json]], placed: requests.Response
) -> None:
    order_id = placed.json()["order_id"]

    for line in lines[step]:
        assert line["execution"] == order_id
        assert line["correlation_id"] == placed.headers["X-Correlation-Id"]
        assert line["step"] == step
        assert line["request_id"]
        assert line["xray_trace_id"]


@pytest.mark.usefixtures("lines")
def test_no_log_holds_a_payment_token(
    aws: Callable[[str], Any], messages_of: Callable[[str], list[str]]
) -> None:
    # Given the logs of everything that the store has done so far
    groups = [
        group["logGroupName"]
        for page in aws("logs").get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
    ]
    messages = [message for group in groups for message in messages_of(group)]

    # Then they tell of orders, and of no token
    assert any('"order_id"' in message for message in messages)
    assert not [message for message in messages if "tok_" in message]
