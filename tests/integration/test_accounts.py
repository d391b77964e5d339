"""Accounts on the real local cloud: over HTTP, with real hashes, and on the bus."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sagashop_ops import sessions, token_keys
from sagashop_ops.aws import Deployment, table_of
from sagashop_ops.sessions import Credentials
from sagashop_ops.stack import Stack
from support.waiting import eventually

PASSWORD, OTHER_PASSWORD = "a long sentence", "another long sentence"

type Send = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


@pytest.fixture(scope="module")
def send(deployment: Deployment) -> Send:
    """Sends a request: `send("POST", "/sessions", {…}, token="…")`."""
    http = requests.Session()

    def call(method: str, path: str, body: Any = None, token: str = "") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{deployment.stack.api_url}{path}"
        return http.request(method, url, json=body, headers=headers, timeout=35)

    return call


def register(send: Send, password: str = PASSWORD) -> str:
    """Registers somebody; returns the address."""
    email = f"{uuid.uuid4()}@example.com"
    answer = send("POST", "/accounts", {"email": email, "name": "Ada", "password": password})
    assert answer.status_code == 201, answer.text
    return email


def sign_in(send: Send, email: str, password: str = PASSWORD) -> requests.Response:
    return send("POST", "/sessions", {"email": email, "password": password})


def test_an_account_from_its_registration_to_its_end(send: Send, deployment: Deployment) -> None:
    # Given
    email = register(send)
    first, elsewhere = sign_in(send, email).json(), sign_in(send, email).json()
    token = first["access_token"]
    account = send("GET", "/accounts/me", token=token).json()
    assert (account["email"], account["role"]) == (email, "customer")

    # When it is renewed, and its password changed
    renewed = send("POST", "/sessions/refresh", {"refresh_token": first["refresh_token"]})
    assert renewed.status_code == 201
    passwords = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
    assert send("POST", "/accounts/me/password", passwords, token=token).status_code == 200

    # Then
    spent = send("POST", "/sessions/refresh", {"refresh_token": elsewhere["refresh_token"]})
    assert (spent.status_code, spent.json()["code"]) == (401, "INVALID_TOKEN")
    assert sign_in(send, email).status_code == 401
    assert sign_in(send, email, OTHER_PASSWORD).status_code == 201

    # And when it signs out, and is deleted
    assert send("DELETE", "/sessions/current", token=token).status_code == 200
    gone = send("DELETE", "/accounts/me", {"password": OTHER_PASSWORD}, token=token)
    assert gone.status_code == 200, gone.text
    assert sign_in(send, email, OTHER_PASSWORD).status_code == 401
    told = {"AccountRegistered", "PasswordChanged", "AccountDeleted"}
    rows = table_of(deployment.stack, "account").query(
        KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
        ExpressionAttributeValues={":pk": f"ACCOUNT#{account['account_id']}", ":event": "EVENT#"},
        ConsistentRead=True,
    )["Items"]
    assert {row["detail_type"] for row in rows} == told
    assert email not in str(rows)


def test_what_happens_to_an_account_is_published(
    send: Send, deployment: Deployment, aws: Callable[[str], Any]
) -> None:
    # Given
    email = register(send)
    account = send("GET", "/accounts/me", token=sign_in(send, email).json()["access_token"]).json()

    # Then
    group = f"/aws/lambda/{deployment.functions['Relay']}"
    pages = aws("logs").get_paginator("filter_log_events")

    def published() -> list[dict[str, Any]]:
        lines = [
            event["message"]
            for page in pages.paginate(logGroupName=group)
            for event in page["events"]
        ]
        return [json.loads(line) for line in lines if account["account_id"] in line]

    (line,) = eventually(published)
    assert (line["message"], line["detail_type"]) == ("event published", "AccountRegistered")


def test_an_address_that_is_being_guessed_is_closed_for_a_while(send: Send) -> None:
    email = f"{uuid.uuid4()}@example.com"

    answers = [sign_in(send, email, "a guess") for _ in range(11)]

    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900


def test_no_log_line_has_a_password_a_token_or_an_address(
    send: Send, deployment: Deployment, aws: Callable[[str], Any]
) -> None:
    # Given
    password = f"a sentence about {uuid.uuid4()}"
    email = register(send, password)
    tokens = sign_in(send, email, password).json()
    answer = send("GET", "/accounts/me", token=tokens["access_token"])
    correlation_id = answer.headers["X-Correlation-Id"]

    # When
    group = f"/aws/lambda/{deployment.functions['AccountApi']}"
    pages = aws("logs").get_paginator("filter_log_events")

    def logged() -> str:
        found = (page["events"] for page in pages.paginate(logGroupName=group))
        return "\n".join(event["message"] for events in found for event in events)

    text = eventually(logged, until=lambda text: correlation_id in text)

    # Then
    signature = tokens["access_token"].rpartition(".")[2]
    secret = tokens["refresh_token"].rpartition(".")[2]
    assert not [hidden for hidden in (password, email, signature, secret) if hidden in text]


def test_tokens_of_the_old_key_stay_valid_after_a_rotation(
    send: Send, deployment: Deployment
) -> None:
    # Given
    email = register(send)
    old = sign_in(send, email).json()["access_token"]

    # When
    keys = token_keys.rotate(deployment, datetime.now(UTC))

    # Then
    assert send("GET", "/accounts/me", token=old).status_code == 200
    assert len(keys) >= 3


def test_an_operator_who_is_added_signs_in_and_out(deployment: Deployment) -> None:
    # Given
    credentials = Credentials(f"{uuid.uuid4()}@example.com", sessions.new_password())
    account_id = sessions.add_operator(deployment, credentials)

    # When
    session = sessions.sign_in(deployment.stack, credentials)

    # Then
    assert session.account_id == account_id
    assert sessions.signed_in(deployment.stack).account_id == account_id
    assert sessions.sign_out(deployment.stack)
    assert sessions.signed_in(deployment.stack).account_id != account_id, "the store's own"
