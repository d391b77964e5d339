"""The payment service's table: what a payment and the provider's ledger are in DynamoDB."""

from typing import Any

import pytest

from builders import CURRENCY, ORDER_ID, PLACED_AT, an_order
from payment import domain, saga, wiring
from payment.domain import Payment
from payment.repository import PaymentTable
from shared import dynamodb, settings
from shared.dynamodb import from_item, to_item
from shared.money import Money

PENDING = domain.begin(ORDER_ID, Money(5000, "USD"), PLACED_AT)


@pytest.mark.parametrize(
    "payment",
    [
        domain.tombstone(ORDER_ID, PLACED_AT),
        PENDING,
        domain.capture(PENDING, PLACED_AT),
        domain.decline(PENDING, "card declined", PLACED_AT),
        domain.refund(PENDING, PLACED_AT),
    ],
    ids=lambda payment: payment.status,
)
def test_a_payment_is_read_as_it_was_written(payment_table: str, payment: Payment) -> None:
    payments = PaymentTable(dynamodb.client(), payment_table)

    payments.create(payment)

    assert payments.find(ORDER_ID) == payment


def test_an_audit_finds_the_money_in_the_payment_and_in_the_ledger(
    payment_table: str, frozen_clock: Any, lambda_context: Any
) -> None:
    def row(pk: str, sk: str) -> dict[str, Any]:
        key = to_item({"pk": pk, "sk": sk})
        return from_item(dynamodb.client().get_item(TableName=payment_table, Key=key)["Item"])

    order = an_order()
    charge = {"amount_cents": 5000, "currency": CURRENCY, "token": "tok_visa"}

    # When the functions run on what the service is wired to
    saga.handler(order.payload("ChargePayment", **charge), lambda_context)
    saga.handler(order.payload("RefundPayment"), lambda_context)

    # Then
    for found in (row(f"PAYMENT#{ORDER_ID}", "PAYMENT"), row(f"PROVIDER#{ORDER_ID}", "CHARGE")):
        assert found["status"] == "REFUNDED"
        assert (found["captured_cents"], found["refunded_cents"]) == (5000, 5000)


def test_the_provider_has_a_second_to_reply() -> None:
    assert settings.load(wiring.Settings).payment_reply_timeout_seconds == 1.0
