"""Payments that outlived their orders, found and refunded."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT
from payment import domain, service, sweeper
from payment.domain import PaymentStatus
from shared import queries
from shared.money import Money
from shared.tasks import Task

TASK = Task(ORDER_ID, ORDER_ID, ORIGIN)


@pytest.fixture(autouse=True)
def _cancelled(monkeypatch: pytest.MonkeyPatch, frozen_clock: Any) -> None:
    """Ten minutes later the order is cancelled."""
    frozen_clock.at = PLACED_AT + timedelta(minutes=10)

    def ask(_: str, question: Mapping[str, Any]) -> dict[str, Any]:
        return {"statuses": dict.fromkeys(question["order_ids"], "CANCELLED")}

    monkeypatch.setattr(queries, "ask", ask)


def test_what_was_captured_for_a_cancelled_order_is_refunded_and_then_signed_off(
    repository: Any, provider: Any, lambda_context: Any
) -> None:
    # Given
    service.charge(repository, provider, TASK, Money(100, "USD"), "tok_visa", PLACED_AT)

    # When
    first = sweeper.sweep({}, lambda_context)
    second = sweeper.sweep({"grace_seconds": -1}, lambda_context)

    # Then
    assert first["repaired"] == [
        {"order_id": ORDER_ID, "what": "CAPTURED of an order that is CANCELLED"}
    ]
    assert (second["settled"], second["repaired"]) == (1, [])
    payment = repository.find(ORDER_ID)
    assert payment is not None
    assert payment.status is PaymentStatus.REFUNDED


def test_a_charge_whose_reply_was_lost_for_good_is_refunded_too(
    repository: Any, provider: Any, lambda_context: Any
) -> None:
    # Given a step that died before it could write what the provider said
    repository.create(domain.begin(ORDER_ID, Money(100, "USD"), PLACED_AT))
    provider.charge(ORDER_ID, Money(100, "USD"), "tok_visa")

    # When
    report = sweeper.sweep({}, lambda_context)

    # Then
    assert [each["what"] for each in report["repaired"]] == [
        "PENDING of an order that is CANCELLED"
    ]
    payment = repository.find(ORDER_ID)
    assert payment is not None
    assert payment.refunded == Money(100, "USD")


def test_a_refund_that_fails_is_left_to_the_next_sweep(
    repository: Any, provider: Any, lambda_context: Any
) -> None:
    # Given
    service.charge(repository, provider, TASK, Money(100, "USD"), "tok_refund_fails", PLACED_AT)

    # When
    report = sweeper.sweep({}, lambda_context)

    # Then
    assert report["repaired"] == []
    assert report["left"] == [{"order_id": ORDER_ID, "what": "RefundUnavailable"}]
