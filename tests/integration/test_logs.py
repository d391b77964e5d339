"""What an operator finds in CloudWatch Logs about one order, and what nobody may find there."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sagashop_ops import token_keys
from sagashop_ops.aws import Deployment
from sagashop_ops.client import ADDRESS, Json, Line, StoreClient, order_body
from sagashop_ops.sessions import LOCAL_OPERATOR_FILE, Credentials
from sagashop_ops.stack import Stack
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


def test_no_log_holds_a_secret_or_a_customer_s_data(
    stack: dict[str, Any],
    saga: Saga,
    aws: Callable[[str], Any],
    messages_of: Callable[[str], list[str]],
) -> None:
    # Given a customer who registers, signs in, orders, pays later, and does all kinds of nonsense
    deployment = Deployment.of(Stack(**stack))
    http, api, who = requests.Session(), stack["api_url"], uuid.uuid4().hex
    password, other_password = f"a sentence about {who}", f"another one about {who}"
    email, street = f"{who}@example.com", f"{who[:12]} Analytical Row"

    def send(method: str, path: str, body: Any, token: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", "X-Correlation-Id": who} if token else {}
        return http.request(method, f"{api}{path}", json=body, headers=headers, timeout=35)

    credentials = {"email": email, "password": password}
    send("POST", "/accounts", {**credentials, "name": who})
    send("POST", "/accounts", {**credentials, "name": who})  # it has been registered
    session = send("POST", "/sessions", credentials).json()
    send("POST", "/sessions", {**credentials, "password": other_password})
    renewed = send("POST", "/sessions/refresh", {"refresh_token": session["refresh_token"]}).json()
    access = renewed["access_token"]
    wrong = {"current_password": other_password, "new_password": other_password}
    send("POST", "/accounts/me/password", wrong, access)
    address = ADDRESS | {"street": street}
    body = order_body([Line("product-014", 1)], None) | {
        "email": email,
        "shipping_address": address,
    }
    order = send("POST", "/orders", body, access).json()
    send("POST", "/orders", {**body, "items": []}, access)
    path = f"/orders/{order['order_id']}"
    for token in (order["order_token"], order["order_token"][:-4] + "AAAA", access):
        send("GET", path, None, token)
        send("GET", f"{path}/payment", None, token)
    send("POST", f"{path}/payment", {"token": f"tok_{who}"}, order["order_token"])
    assert saga.wait_until_ended(order["order_id"])["status"] == "CANCELLED"
    last = send("DELETE", "/sessions/current", None, access)

    # When everything is in the logs, those of the state machine included
    groups = [
        group["logGroupName"]
        for page in aws("logs").get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
    ]
    told = f"/aws/lambda/{deployment.functions['AccountApi']}"
    marker = f'"{last.request.path_url.rpartition("/v1")[2]}"'
    eventually(lambda: "\n".join(messages_of(told)), until=lambda text: marker in text)
    text = "\n".join(message for group in groups for message in messages_of(group))

    # Then they tell of the customer's order, and nothing that only the customer may know
    assert order["order_id"] in text
    keys = token_keys.read_keys(aws("secretsmanager"), deployment.outputs["TokenKeysArn"])
    secrets = {
        "password": password,
        "wrong password": other_password,
        "e-mail address": email,
        "postal address": street,
        "payment token": f"tok_{who}",
        "operator's password": operator_password(stack),
        **{
            f"{name} {number}": tokens[name].rpartition(".")[2]
            for number, tokens in enumerate((session, renewed, order))
            for name in ("access_token", "refresh_token", "order_token")
            if name in tokens
        },
        **{f"key {key_id}": key for key_id, key in keys.items() if key_id != "current"},
    }
    assert len(secrets) >= 10
    assert [name for name, secret in secrets.items() if secret in text] == []


def operator_password(stack: dict[str, Any]) -> str:
    """Returns the password of the store's own operator."""
    state = Stack(**stack).local_state
    assert state is not None
    credentials = Credentials.load(state / LOCAL_OPERATOR_FILE)
    assert credentials is not None
    return credentials.password
