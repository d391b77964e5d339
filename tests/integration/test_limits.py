"""The template's own limits, on the running store: how often somebody may order, and never pay."""

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
import requests

from sagashop_ops.client import Line, StoreClient, order_body
from support.limits import defaults, limited
from support.payment_window import payment_window
from support.waiting import eventually

PAYMENT_WAIT_SECONDS, SHORT_WAIT_SECONDS = 90, 60

type Order = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def order(
    stack: dict[str, Any], aws: Callable[[str], Any], new_product: Callable[..., str]
) -> Iterator[Order]:
    """Orders on a store with the template's limits; everything that waits is cancelled at the end.

    What all tests have ordered in this hour counts for the address that they share.
    """
    http, placed = requests.Session(), list[dict[str, Any]]()
    sku = new_product(1000)

    def send(
        email: str, token: str | None = None, units: int = 1, key: str | None = None
    ) -> requests.Response:
        body = order_body([Line(sku, units)], token) | {"email": email}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        answer = http.post(f"{stack['api_url']}/orders", json=body, headers=headers, timeout=35)
        if answer.ok:
            placed.append(answer.json())
        return answer

    real = defaults() | {"SHORT_PAYMENT_WAIT_SECONDS": str(SHORT_WAIT_SECONDS)}
    del real["ORDERS_PER_ADDRESS"]
    with payment_window(PAYMENT_WAIT_SECONDS, stack, aws), limited(stack, aws, **real):
        yield send
        for each in placed:
            url = f"{stack['api_url']}/orders/{each['order_id']}/cancel"
            http.post(url, json={}, headers={"Authorization": f"Bearer {each['order_token']}"})


@pytest.fixture
def somebody() -> str:
    """A guest whom nobody knows."""
    return f"{uuid.uuid4()}@example.com"


def assert_limited(answer: requests.Response, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, code), answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_caller_orders_so_often_in_an_hour(order: Order, somebody: str) -> None:
    # Given
    most = int(defaults()["ORDERS_PER_CALLER"])

    # When: the same order, so that there is one only
    answers = [order(somebody, "tok_visa", key="the-same") for _ in range(most + 2)]

    # Then: an hour may end meanwhile, and another one begin
    refused = [answer for answer in answers if not answer.ok]
    assert len({answer.json()["order_id"] for answer in answers if answer.ok}) == 1
    assert len(refused) in (0, 2)
    if not refused:
        answers = [order(somebody, "tok_visa", key="the-same") for _ in range(most)]
        refused = [answer for answer in answers if not answer.ok]
    for answer in refused:
        assert_limited(answer, "TOO_MANY_REQUESTS")
    assert refused


def test_a_guest_who_never_pays_holds_a_few_orders_only(
    order: Order, somebody: str, store: StoreClient, stack: dict[str, Any]
) -> None:
    # Given
    most = int(defaults()["UNPAID_ORDERS_PER_CALLER"])

    # When
    answers = [order(somebody) for _ in range(most + 1)]

    # Then
    *accepted, refused = answers
    assert [answer.status_code for answer in accepted] == [202] * most
    assert_limited(refused, "UNPAID_ORDERS")

    # And the later ones have less time to pay
    waits = [wait_of(answer.json()["order_id"], store) for answer in accepted]
    whole = [wait for wait in waits if wait > (PAYMENT_WAIT_SECONDS + SHORT_WAIT_SECONDS) / 2]
    assert len(whole) == most / 2
    assert waits[: len(whole)] == whole

    # And who pays goes on
    assert order(somebody, "tok_visa").status_code == 202
    first = accepted[0].json()
    url = f"{stack['api_url']}/orders/{first['order_id']}/payment"
    headers = {"Authorization": f"Bearer {first['order_token']}"}
    paid = requests.post(url, json={"token": "tok_visa"}, headers=headers, timeout=35)
    assert paid.status_code == 202, paid.text
    assert order(somebody).status_code == 202


def test_a_guest_with_many_addresses_holds_a_few_orders_only(order: Order) -> None:
    # Given
    most = int(defaults()["UNPAID_ORDERS_PER_ADDRESS"])

    # When
    answers = [order(f"{uuid.uuid4()}@example.com") for _ in range(most + 1)]

    # Then
    assert_limited(answers[-1], "UNPAID_ORDERS")


def test_who_wants_many_units_pays_for_them_at_once(order: Order, somebody: str) -> None:
    # Given
    most = int(defaults()["UNPAID_UNITS_PER_CALLER"])

    # When
    answer = order(somebody, units=most + 1)

    # Then
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_FAILED")
    assert [error["field"] for error in answer.json()["errors"]] == ["payment.token"]
    assert order(somebody, "tok_visa", units=most + 1).status_code == 202


def wait_of(order_id: str, store: StoreClient) -> float:
    """Returns for how long an order waits for its payment, in seconds."""
    waiting = eventually(
        lambda: store.order(order_id), until=lambda order: bool(order["payment_due_at"])
    )
    due_at, created_at = waiting["payment_due_at"], waiting["created_at"]
    lasts = datetime.fromisoformat(due_at) - datetime.fromisoformat(created_at)
    return lasts.total_seconds()
