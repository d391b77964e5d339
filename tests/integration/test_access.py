"""Who may call which route: every route of the template, with the token of everybody.

A route that is not in one of the lists below fails, so that nobody forgets to say whose it is.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sagashop_ops import sessions, token_keys
from sagashop_ops.aws import Deployment
from sagashop_ops.client import Line, order_body
from sagashop_ops.sessions import Credentials
from sagashop_ops.stack import Stack
from shared.token_keys import SigningKeys
from shared.tokens import Tokens
from support.accounts import open_account
from support.saga import Saga
from support.template import resources

ROUTES = sorted(
    {
        (event["Properties"]["Method"], event["Properties"]["Path"])
        for function in resources("AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"]["Method"] != "OPTIONS"
    }
)
FOR_EVERYBODY = {
    ("GET", "/products"),
    ("GET", "/products/{sku}"),
    ("GET", "/sandbox/failures"),
    ("POST", "/sandbox/failures"),
    ("POST", "/accounts"),
    ("POST", "/sessions"),
    ("POST", "/sessions/refresh"),
}
FOR_GUESTS_AND_CUSTOMERS = {("POST", "/orders")}
FOR_CUSTOMERS = {
    ("GET", "/accounts/me"),
    ("POST", "/accounts/me/password"),
    ("DELETE", "/accounts/me"),
    ("DELETE", "/sessions/current"),
    ("GET", "/customers/me/orders"),
}
# What lets a request in without changing anything: the order has ended, the passwords are wrong.
BODIES: Mapping[str, Any] = {
    "/orders": {},
    "/orders/{order_id}/payment": {"token": "tok_visa"},
    "/accounts/me": {"password": "a wrong password"},
    "/accounts/me/password": {"current_password": "a wrong password", "new_password": "x" * 12},
    "/ops/orders/{order_id}/redrive": {"reason": "The test asks for it."},
}
# Whose token is not valid is told so, before anything is looked up.
INVALID = (
    "a broken token",
    "a forged token",
    "an unsigned token",
    "an expired access token",
    "an expired order token",
    "no bearer token",
)
ANYBODY = "nobody"
STRANGERS = ("another guest", "another customer")
FRIENDS = ("the order's token", "the owner", "an operator")
ACCOUNTS = ("another customer", "the owner", "an operator")
UNKNOWN_ID = "ord_01JNQ4ZV8X0000000000000001"
# The header of a JSON Web Token with the algorithm "none", and the id of a key.
UNSIGNED = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIiwia2lkIjoiZmlyc3QifQ"


@dataclass(frozen=True)
class Cast:
    """Everybody's `Authorization`, and the ended order that they are after."""

    order_id: str
    authorizations: Mapping[str, str | None]


def kind_of(method: str, path: str) -> str:
    """Returns whose a route is."""
    if path.startswith("/ops/"):
        return "operators"
    if "{order_id}" in path:
        return "the order's"
    if (method, path) in FOR_CUSTOMERS:
        return "customers"
    if (method, path) in FOR_GUESTS_AND_CUSTOMERS:
        return "guests and customers"
    if (method, path) in FOR_EVERYBODY or path.endswith("/health"):
        return "everybody"
    raise AssertionError(f"{method} {path} is new: say in this file who may call it")


def refusal_of(kind: str, caller: str) -> int | None:
    """Returns the status that refuses a caller; None where the caller is let in."""
    if kind == "everybody":
        return None
    if caller in INVALID:
        return 401
    match kind:
        case "guests and customers":
            return None
        case "customers":
            return None if caller in ACCOUNTS else 401
        case "the order's":
            return None if caller in FRIENDS else 404
        case "operators":
            return None if caller == "an operator" else 401 if caller == ANYBODY else 404
    raise AssertionError(kind)


@pytest.fixture(scope="module")
def cast(stack: dict[str, Any], saga: Saga, new_product: Callable[..., str]) -> Cast:
    deployment = Deployment.of(Stack(**stack))
    http = requests.Session()
    api = stack["api_url"]

    def order(token: str | None) -> dict[str, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        body = order_body([Line(new_product(), 1)], "tok_visa")
        placed: dict[str, Any] = http.post(f"{api}/orders", json=body, headers=headers).json()
        return placed

    owner, other = (open_account(api).access_token for _ in range(2))
    owned, guests = order(owner), order(None)
    for placed in (owned, guests):
        assert saga.wait_until_ended(placed["order_id"])["status"] == "COMPLETED"
    credentials = Credentials(f"{uuid.uuid4()}@example.com", sessions.new_password())
    account_id = sessions.add_operator(deployment, credentials)
    operator = sessions.sign_in(deployment.stack, credentials).access_token

    secrets, arn = deployment.client("secretsmanager"), deployment.outputs["TokenKeysArn"]
    ours = Tokens(SigningKeys(lambda: token_keys.read_keys(secrets, arn)))
    foreign = Tokens(SigningKeys(lambda: {"current": "first", "first": "f" * 64}))
    now = datetime.now(UTC)
    header, payload, signature = operator.split(".")
    bearers = {
        "a broken token": f"{header}.{payload}.{signature[::-1]}",
        "a forged token": foreign.for_account(account_id, "operator", now),
        "an unsigned token": f"{UNSIGNED}.{payload}.",
        "an expired access token": ours.for_account(
            account_id, "operator", now - timedelta(minutes=16)
        ),
        "an expired order token": ours.for_order(owned["order_id"], now - timedelta(days=91)),
        "another guest": guests["order_token"],
        "another customer": other,
        "the order's token": owned["order_token"],
        "the owner": owner,
        "an operator": operator,
    }
    return Cast(
        owned["order_id"],
        {
            ANYBODY: None,
            "no bearer token": f"Basic {operator}",
            **{caller: f"Bearer {token}" for caller, token in bearers.items()},
        },
    )


@pytest.fixture(scope="module")
def ask(stack: dict[str, Any]) -> Callable[..., requests.Response]:
    """Calls a route of the template, about an order."""
    http = requests.Session()

    def send(method: str, path: str, authorization: str | None, order_id: str) -> requests.Response:
        url = stack["api_url"] + path.format(order_id=order_id, sku="product-001")
        headers = {} if authorization is None else {"Authorization": authorization}
        body = BODIES.get(path, {}) if method != "GET" else None
        return http.request(method, url, json=body, headers=headers, timeout=35)

    return send


def test_everybody_is_in_the_cast(cast: Cast) -> None:
    assert cast.authorizations.keys() == {ANYBODY, *INVALID, *STRANGERS, *FRIENDS}
    assert len(ROUTES) >= 25


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_route_lets_in_whose_it_is_and_nobody_else(
    method: str, path: str, cast: Cast, ask: Callable[..., requests.Response]
) -> None:
    # Given
    kind = kind_of(method, path)
    expected = {caller: refusal_of(kind, caller) for caller in cast.authorizations}

    # When
    answers = {
        caller: ask(method, path, authorization, cast.order_id)
        for caller, authorization in cast.authorizations.items()
    }

    # Then
    refusals = {
        caller: answer.status_code if is_refusal(kind, answer) else None
        for caller, answer in answers.items()
    }
    assert refusals == expected
    assert not [answer for answer in answers.values() if answer.status_code >= 500]


def is_refusal(kind: str, answer: requests.Response) -> bool:
    """Whether an answer says that this caller may not; a wrong password's says something else."""
    if answer.status_code not in (401, 403, 404):
        return False
    return kind != "everybody" or answer.json()["code"] == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if kind_of(*route) == "the order's"]
)
def test_a_stranger_does_not_learn_whether_there_is_an_order(
    method: str, path: str, cast: Cast, ask: Callable[..., requests.Response]
) -> None:
    for caller in (ANYBODY, *STRANGERS, *INVALID):
        authorization = cast.authorizations[caller]
        known, unknown = (
            ask(method, path, authorization, order_id) for order_id in (cast.order_id, UNKNOWN_ID)
        )
        told = known.text.replace(cast.order_id, UNKNOWN_ID)
        assert (known.status_code, told) == (unknown.status_code, unknown.text), caller
