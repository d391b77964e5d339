"""An order is private: its token opens it, and so do its owner and operators; nobody else."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from builders import ACCOUNT_ID, ORDER_ID, PLACED_AT, a_request, an_order
from order import api
from order.domain import Change
from order.repository import OrderRepository
from order.requests import MAX_PAGE, Page
from shared import dynamodb
from shared.errors import ValidationFailed
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions
from support.template import resources
from unit.order.fakes import FakeOrders

ANOTHER_ID = f"{ORDER_ID[:-1]}2"
STRANGER_ID = f"{ACCOUNT_ID[:-1]}2"
ROUTES = sorted(
    (event["Properties"]["Method"], event["Properties"]["Path"])
    for event in resources("AWS::Serverless::Function")["OrderApiFunction"]["Events"].values()
    if "{order_id}" in event["Properties"]["Path"] and event["Properties"]["Method"] != "OPTIONS"
)
CALLERS: dict[str, Callable[[Tokens], str | None]] = {
    "nobody": lambda tokens: None,
    "another order's token": lambda tokens: tokens.for_order(ANOTHER_ID, PLACED_AT),
    "another customer": lambda tokens: tokens.for_account(STRANGER_ID, "customer", PLACED_AT),
    "its token": lambda tokens: tokens.for_order(ORDER_ID, PLACED_AT),
    "its owner": lambda tokens: tokens.for_account(ACCOUNT_ID, "customer", PLACED_AT),
    "an operator": lambda tokens: tokens.for_account(STRANGER_ID, "operator", PLACED_AT),
}
STRANGERS, FRIENDS = list(CALLERS)[:3], list(CALLERS)[3:]
CALLERS["a broken token"] = lambda tokens: "a.b.c"
BODIES = {"/orders/{order_id}/payment": {"token": "tok_visa"}}


@dataclass
class Client:
    """Calls the order API."""

    context: Any
    tokens: Tokens

    def send(
        self, method: str, path: str, caller: str, *, order_id: str = ORDER_ID, **arguments: Any
    ) -> tuple[int, dict[str, Any]]:
        """Returns the status and the body of the answer to one of CALLERS."""
        token = CALLERS[caller](self.tokens)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        of_order = {"order_id": order_id} if "{order_id}" in path else {}
        request = a_request(method, path, headers=headers, **of_order, **arguments)
        response = api.handler(request, self.context)
        return response["statusCode"], json.loads(response["body"])


@pytest.fixture
def client(
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    stack_tokens: Tokens,
    frozen_clock: Any,
    lambda_context: Any,
) -> Client:
    """Beside one order that waits for its payment."""
    order = an_order().awaiting_payment().owned_by(ACCOUNT_ID).build()
    orders.add(Change(order), None)
    return Client(lambda_context, stack_tokens)


def test_each_route_of_an_order_is_known_here() -> None:
    assert ("GET", "/orders/{order_id}") in ROUTES
    assert len(ROUTES) >= 4


@pytest.mark.parametrize("caller", STRANGERS)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_stranger_is_answered_as_if_there_were_no_order(
    method: str, path: str, caller: str, client: Client, orders: FakeOrders
) -> None:
    # When
    answer = client.send(method, path, caller, body=BODIES.get(path, {}))

    # Then
    unknown = client.send(
        method, path, caller, order_id=f"{ORDER_ID[:-1]}9", body=BODIES.get(path, {})
    )
    assert answer == unknown
    assert answer[0] == 404
    assert orders.get(ORDER_ID) == an_order().awaiting_payment().owned_by(ACCOUNT_ID).build()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_token_that_is_not_valid_is_refused_before_an_order_is_looked_for(
    method: str, path: str, client: Client
) -> None:
    answers = [
        client.send(method, path, "a broken token", order_id=order_id, body=BODIES.get(path, {}))
        for order_id in (ORDER_ID, f"{ORDER_ID[:-1]}9")
    ]

    assert [status for status, _ in answers] == [401, 401]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("caller", FRIENDS)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_order_opens_for_its_token_its_owner_and_operators(
    method: str, path: str, caller: str, client: Client
) -> None:
    status, _ = client.send(method, path, caller, body=BODIES.get(path, {}))

    assert status in (200, 202)


def test_a_guests_order_is_no_accounts(client: Client, orders: FakeOrders) -> None:
    # Given
    orders.add(Change(an_order().with_id(ANOTHER_ID).build()), None)

    # Then
    path = "/orders/{order_id}"
    for caller, status in (("its owner", 404), ("another customer", 404), ("an operator", 200)):
        assert client.send("GET", path, caller, order_id=ANOTHER_ID)[0] == status


def test_an_order_belongs_to_who_placed_it(client: Client, orders: FakeOrders) -> None:
    # When
    body = an_order().body()
    owned, _ = (
        client.send("POST", "/orders", caller, body=body)[1] for caller in ("its owner", "nobody")
    )

    # Then
    assert orders.get(owned["order_id"]).account_id == ACCOUNT_ID
    status, listed = client.send("GET", "/customers/me/orders", "its owner")
    assert status == 200
    assert [order["order_id"] for order in listed["orders"]] == [owned["order_id"], ORDER_ID]
    assert client.send("GET", "/customers/me/orders", "another customer")[1]["orders"] == []


@pytest.mark.parametrize("caller", ["nobody", "its token"])
def test_who_did_not_sign_in_has_no_list(caller: str, client: Client) -> None:
    assert client.send("GET", "/customers/me/orders", caller)[0] == 401


def test_the_order_is_shown_without_its_address(client: Client) -> None:
    shown = json.dumps(
        [
            client.send("GET", "/orders/{order_id}", "its token"),
            client.send("GET", "/orders/{order_id}/timeline", "its token"),
            client.send("GET", "/customers/me/orders", "its owner"),
        ]
    )

    assert not any(private in shown for private in ("ada@example.com", "Springfield", "tok_visa"))


def test_a_list_is_paged_from_the_newest_order_on(order_table: str) -> None:
    # Given seven orders of one account, and one of another
    table = OrderRepository(dynamodb.client(), order_table)
    ids = [f"{ORDER_ID[:-1]}{number}" for number in range(8)]
    for number, order_id in enumerate(ids):
        placed = an_order().with_id(order_id).owned_by(STRANGER_ID if number == 7 else ACCOUNT_ID)
        table.add(Change(placed.build()), None)

    # When each page begins after the one before
    pages, before = [], None
    for _ in range(3):
        found = [order.order_id for order in table.owned_by(ACCOUNT_ID, Page(3, before))]
        pages.append(found[:3])
        before = found[2] if len(found) > 3 else None

    # Then
    assert pages == [ids[6:3:-1], ids[3:0:-1], ids[:1]]
    assert table.owned_by(ACCOUNT_ID, Page(3, ids[0])) == []


@pytest.mark.parametrize(
    ("limit", "cursor", "wrong"),
    [
        ("0", None, ["limit"]),
        (str(MAX_PAGE + 1), None, ["limit"]),
        ("ten", None, ["limit"]),
        ("١", None, ["limit"]),
        (None, "somewhere", ["cursor"]),
        ("-1", "", ["limit", "cursor"]),
    ],
)
def test_a_senseless_page_is_refused(
    limit: str | None, cursor: str | None, wrong: list[str]
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Page.read(limit, cursor)

    assert [error.field for error in refused.value.errors] == wrong


def test_a_token_opens_an_order_until_it_expires(client: Client, frozen_clock: Any) -> None:
    # Given
    frozen_clock.at = PLACED_AT + timedelta(days=90) - timedelta(seconds=1)
    assert client.send("GET", "/orders/{order_id}", "its token")[0] == 200

    # When
    frozen_clock.advance(seconds=1)

    # Then
    status, body = client.send("GET", "/orders/{order_id}", "its token")
    assert (status, body["code"]) == (401, "INVALID_TOKEN")
