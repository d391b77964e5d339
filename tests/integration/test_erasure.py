"""Whoever deletes an account is in no table any more, and the books stay as they were."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sagashop_ops.aws import Deployment, call_function, rows, table_of
from sagashop_ops.client import ADDRESS, Line, StoreClient, order_body
from sagashop_ops.stack import Stack
from support.accounts import open_account
from support.payment_window import payment_window
from support.saga import Saga
from support.waiting import eventually


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


def tables_with(words: list[str], stack: dict[str, Any]) -> dict[str, list[str]]:
    """Returns which of the words each table of the store has, in rows of any kind."""
    text = {
        name: str(list(rows(table_of(Stack(**stack), name), "scan"))) for name in stack["tables"]
    }
    found = {name: [word for word in words if word in content] for name, content in text.items()}
    return {name: words for name, words in found.items() if words}


def test_a_deleted_accounts_customer_is_in_no_table(
    stack: dict[str, Any],
    deployment: Deployment,
    saga: Saga,
    store: StoreClient,
    aws: Callable[[str], Any],
    new_product: Callable[..., str],
) -> None:
    # Given a customer with an order that is complete, and one that waits for its payment
    http, api = requests.Session(), stack["api_url"]
    who = uuid.uuid4().hex
    email, name, street = f"{who}@example.com", f"Ada {who[:8]}", f"{who[:12]} Analytical Row"
    account = open_account(api, email, name)
    http.headers.update(account.bearer)
    with payment_window(60, stack, aws):
        completed, waiting = (
            http.post(
                f"{api}/orders",
                json=order_body([Line(new_product(), 1)], token)
                | {"email": email, "shipping_address": ADDRESS | {"street": street}},
                headers={"Idempotency-Key": who + str(token)},
            ).json()
            for token in ("tok_visa", None)
        )
        assert saga.wait_until_ended(completed["order_id"])["status"] == "COMPLETED"
        eventually(
            lambda: store.order(waiting["order_id"])["status"],
            until=lambda status: status == "AWAITING_PAYMENT",
        )
    known = [email, name, street, who]
    before = eventually(
        lambda: tables_with(known, stack), until=lambda found: "notification" in found
    )
    assert before.keys() == {"account", "order", "shipping", "notification"}

    # When the account is deleted
    gone = account.delete()
    assert gone.status_code == 200, gone.text

    # Then what has ended is anonymous, and the other order goes on
    eventually(
        lambda: tables_with(known, stack),
        until=lambda found: found.keys() == {"order", "notification"},
    )
    assert store.order(waiting["order_id"])["status"] == "AWAITING_PAYMENT"

    # And when that has ended too, the sweeper does the rest
    token = {"Authorization": f"Bearer {waiting['order_token']}"}
    cancelled = http.post(f"{api}/orders/{waiting['order_id']}/cancel", json={}, headers=token)
    assert cancelled.status_code == 202, cancelled.text
    assert saga.wait_until_ended(waiting["order_id"])["status"] == "CANCELLED"

    def swept() -> dict[str, list[str]]:
        call_function(deployment, "SweepOrders", {"grace_seconds": 0})
        return tables_with(known, stack)

    eventually(swept, until=lambda found: not found)

    # And the orders are still in the books, and open to nobody but operators
    for placed in (completed, waiting):
        assert store.order(placed["order_id"])["items"]
    answer = http.get(f"{api}/orders/{completed['order_id']}")
    assert answer.status_code == 404
