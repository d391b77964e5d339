"""The Lambda handlers as Step Functions and API Gateway call them."""

import io
import json
from contextlib import suppress
from typing import Any

import pytest

from builders import CURRENCY, ORDER_ID, PLACED_AT, a_request, an_order
from payment import api, saga
from shared import tokens
from shared.errors import (
    PaymentDeclined,
    PaymentOutcomeUnknown,
    RefundUnavailable,
    StepAlreadyUndone,
    ValidationFailed,
)
from shared.logging import logger
from unit.fakes import FakeRepository

pytestmark = pytest.mark.usefixtures("repository", "provider", "frozen_clock", "stack_tokens")


def charge_payload(means: str = "tok_visa", **changes: Any) -> dict[str, Any]:
    return (
        an_order().payload("ChargePayment", amount_cents=5099, currency=CURRENCY, token=means)
        | changes
    )


def get(resource: str, context: Any, **path: str) -> tuple[int, dict[str, Any]]:
    order_token = tokens.tokens().for_order(ORDER_ID, PLACED_AT)
    headers = {"Authorization": f"Bearer {order_token}"}
    response = api.handler(a_request("GET", resource, headers=headers, **path), context)
    return response["statusCode"], json.loads(response["body"])


def get_payment(context: Any) -> tuple[int, dict[str, Any]]:
    return get("/orders/{order_id}/payment", context, order_id=ORDER_ID)


class TestSagaSteps:
    def test_a_payment_is_charged_and_refunded(self, ledger, lambda_context):
        charged = saga.handler(charge_payload(), lambda_context)
        assert json.loads(json.dumps(charged)) == {
            "payment_id": charged["payment_id"],
            "status": "CAPTURED",
            "amount_cents": 5099,
            "currency": "USD",
        }

        refunded = saga.handler(an_order().payload("RefundPayment"), lambda_context)
        assert refunded == charged | {"status": "REFUNDED", "refunded_cents": 5099}
        assert ledger.money() == (5099, 5099)

    def test_a_decline_reaches_the_state_machine_by_its_name(self, lambda_context):
        with pytest.raises(PaymentDeclined, match="insufficient funds"):
            saga.handler(charge_payload("tok_insufficient_funds"), lambda_context)

    def test_a_lost_reply_reaches_the_state_machine_by_its_name(self, lambda_context):
        with pytest.raises(PaymentOutcomeUnknown):
            saga.handler(charge_payload("tok_lost_reply"), lambda_context)

    def test_a_refund_that_cannot_be_made_reaches_the_state_machine_by_its_name(
        self, lambda_context
    ):
        saga.handler(charge_payload("tok_refund_fails"), lambda_context)

        with pytest.raises(RefundUnavailable):
            saga.handler(an_order().payload("RefundPayment"), lambda_context)

    def test_where_nothing_was_captured_nothing_is_refunded(self, lambda_context):
        with pytest.raises(PaymentDeclined):
            saga.handler(charge_payload("tok_declined"), lambda_context)

        undone = saga.handler(an_order().payload("RefundPayment"), lambda_context)

        assert (undone["amount_cents"], undone["refunded_cents"]) == (5099, 0)

    def test_a_late_charge_is_refused(self, lambda_context):
        saga.handler(an_order().payload("RefundPayment"), lambda_context)

        with pytest.raises(StepAlreadyUndone):
            saga.handler(charge_payload(), lambda_context)

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount_cents": -1},
            {"amount_cents": 49.99},
            {"amount_cents": None},
            {"currency": "dollars"},
            {"currency": None},
            {"token": ""},
            {"token": None},
        ],
    )
    def test_a_payload_that_does_not_fit_charges_nothing(self, ledger, lambda_context, changes):
        (field,) = changes

        with pytest.raises(ValidationFailed, match=field):
            saga.handler(charge_payload(**changes), lambda_context)
        assert ledger.row() == {}

    def test_the_token_stays_out_of_the_log(self, lambda_context, monkeypatch):
        log = io.StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", log)

        saga.handler(charge_payload("tok_visa"), lambda_context)

        assert "step succeeded" in log.getvalue()
        assert "tok_visa" not in log.getvalue()


class TestApi:
    def test_a_payment_shows_what_was_taken_and_given_back(self, lambda_context):
        charged = saga.handler(charge_payload(), lambda_context)
        saga.handler(an_order().payload("RefundPayment"), lambda_context)

        assert get_payment(lambda_context) == (
            200,
            {
                "order_id": ORDER_ID,
                "payment_id": charged["payment_id"],
                "status": "REFUNDED",
                "amount_cents": 5099,
                "currency": "USD",
                "captured_cents": 5099,
                "refunded_cents": 5099,
                "decline_reason": None,
                "created_at": "2026-03-01T09:30:00.125Z",
                "updated_at": "2026-03-01T09:30:00.125Z",
            },
        )

    def test_a_declined_payment_says_why(self, lambda_context):
        with pytest.raises(PaymentDeclined):
            saga.handler(charge_payload("tok_declined"), lambda_context)

        status, body = get_payment(lambda_context)

        assert (status, body["status"]) == (200, "DECLINED")
        assert (body["decline_reason"], body["captured_cents"]) == ("card declined", 0)

    def test_an_order_without_a_payment(self, lambda_context):
        status, body = get_payment(lambda_context)

        assert (status, body["code"]) == (404, "PAYMENT_NOT_FOUND")

    def test_an_order_undone_before_its_payment_began_has_none(self, lambda_context):
        saga.handler(an_order().payload("RefundPayment"), lambda_context)

        status, _ = get_payment(lambda_context)

        assert status == 404

    def test_an_order_id_that_dynamodb_would_refuse_is_not_looked_up(
        self, lambda_context, monkeypatch
    ):
        monkeypatch.delattr(FakeRepository, "find")

        status, body = get("/orders/{order_id}/payment", lambda_context, order_id="o" * 3000)

        assert (status, body["code"]) == (404, "PAYMENT_NOT_FOUND")

    def test_health(self, lambda_context):
        assert get("/payment/health", lambda_context) == (
            200,
            {"service": "payment", "status": "ok"},
        )


@pytest.mark.parametrize(
    ("means", "refund_cents"),
    [("tok_visa", 5099), ("tok_declined", 0), ("tok_lost_reply", None)],
)
def test_the_money_that_is_owed_is_told(means, refund_cents, lambda_context):
    # Given
    with suppress(PaymentDeclined, PaymentOutcomeUnknown):
        saga.handler(charge_payload(means), lambda_context)

    # When
    query = {"query": "owed", "order_ids": [ORDER_ID, "ord_unknown"]}
    answer = saga.handler(query, lambda_context)

    # Then
    assert answer == {"owed": {ORDER_ID: {"refund_cents": refund_cents, "currency": "USD"}}}


def test_nothing_is_owed_of_what_was_given_back(lambda_context):
    # Given
    saga.handler(charge_payload(), lambda_context)
    saga.handler(an_order().payload("RefundPayment"), lambda_context)

    # Then
    answer = saga.handler({"query": "owed", "order_ids": [ORDER_ID]}, lambda_context)
    assert answer["owed"][ORDER_ID]["refund_cents"] == 0


@pytest.mark.parametrize("order_ids", [None, "ord_1", [7], ["ord_1"] * 101])
def test_a_question_about_something_else_than_orders_is_refused(order_ids, lambda_context):
    with pytest.raises(ValidationFailed, match="order_ids"):
        saga.handler({"query": "owed", "order_ids": order_ids}, lambda_context)
