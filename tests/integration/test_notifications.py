"""The mail that an order's story becomes: what SES was really given, to whom, and how often."""

from collections.abc import Callable
from typing import Any

import pytest

from sagashop_ops.client import Line, StoreClient
from sagashop_ops.mail import Mail, sent_mail
from sagashop_ops.stack import Stack
from support.outage import PaidInVain
from support.saga import Saga
from support.waiting import eventually

CUSTOMER = "ada@example.com"
OPERATOR = "operator@example.com"

RECEIVED = "We received your order"

type Inbox = Callable[[str, str], list[Mail]]


@pytest.fixture(scope="module")
def inbox(stack: dict[str, Any]) -> Inbox:
    """Returns all mail about an order up to one with these words in its subject, which comes.

    A message that a later one overtook is missing, as it should: it was out of date.
    """

    def read(order_id: str, last: str) -> list[Mail]:
        mail = eventually(
            lambda: sent_mail(Stack(**stack), order_id),
            until=lambda mail: any(last in each.subject for each in mail),
        )
        assert last in mail[-1].subject, "nothing comes after the last word on an order"
        return mail

    return read


def test_who_buys_hears_of_the_order_and_of_the_parcel(
    store: StoreClient, saga: Saga, new_product: Callable[..., str], inbox: Inbox
) -> None:
    # Given
    order_id = store.place_order([Line(new_product(), 2)], "tok_visa")
    order = saga.wait_until_ended(order_id)

    # When
    *received, completed = inbox(order_id, "is complete")

    # Then
    assert {each.to for each in (*received, completed)} == {(CUSTOMER,)}
    assert [each.subject for each in received] in ([], [f"{RECEIVED} {order_id}"])
    assert completed.subject == f"Your order {order_id} is complete"
    assert f"Tracking number: {order['shipment']['tracking_number']}" in completed.text
    assert "Paid: 25.00 USD" in completed.text
    assert f"/#/orders/{order_id}" in completed.html


@pytest.mark.full
def test_who_pays_later_is_asked_to_and_told_until_when(
    store: StoreClient, saga: Saga, new_product: Callable[..., str], inbox: Inbox
) -> None:
    # Given
    order_id = store.place_order([Line(new_product(), 1)], None)
    saga.wait_until_ended(order_id)

    # When
    *_, asked, cancelled = inbox(order_id, "was cancelled")

    # Then
    assert asked.subject == f"Your order {order_id} is waiting for your payment"
    assert "To pay: 12.50 USD" in asked.text
    assert "Pay by: " in asked.text
    assert cancelled.subject == f"Your order {order_id} was cancelled"
    assert "refund" not in cancelled.text.lower()


def test_who_gets_no_parcel_is_told_why_and_what_comes_back(
    store: StoreClient, saga: Saga, new_product: Callable[..., str], inbox: Inbox
) -> None:
    # Given
    order_id = store.place_order([Line(new_product(), 1)], "tok_visa", country="XX")
    order = saga.wait_until_ended(order_id)

    # When
    *_, cancelled = inbox(order_id, "was cancelled")

    # Then
    assert order["reason"]["message"] in cancelled.text
    assert "Refund: 12.50 USD" in cancelled.text


@pytest.mark.full
def test_the_operator_is_told_what_is_owed_on_a_parked_order(
    saga: Saga, paid_in_vain: PaidInVain, inbox: Inbox
) -> None:
    # Given
    order_id = paid_in_vain.unrefundable
    saga.wait_until_ended(order_id)

    # When
    (parked,) = [mail for mail in inbox(order_id, "needs attention") if mail.to == (OPERATOR,)]

    # Then
    assert "Stuck at: RefundPayment" in parked.text
    owed = f"{paid_in_vain.owed_cents // 100}.{paid_in_vain.owed_cents % 100:02} USD"
    assert f"Owed to the customer: {owed}" in parked.text
    assert f"Units still held: {paid_in_vain.wanted} × {paid_in_vain.sku}" in parked.text
