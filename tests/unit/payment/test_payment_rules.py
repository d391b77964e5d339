"""The pure rules of a payment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import ORDER_ID, PLACED_AT
from payment import domain, views
from payment.domain import AmountChanged, Payment, PaymentStatus
from shared.errors import PaymentDeclined, StepAlreadyUndone
from shared.money import Money

AMOUNT = Money(5000, "USD")
LATER = PLACED_AT + timedelta(seconds=2)


def a_payment(status: PaymentStatus = PaymentStatus.PENDING) -> Payment:
    return replace(domain.begin(ORDER_ID, AMOUNT, PLACED_AT), status=status)


def test_an_orders_payment_always_has_the_same_id() -> None:
    again = domain.begin(ORDER_ID, AMOUNT, LATER)

    assert again.payment_id == a_payment().payment_id
    assert domain.tombstone(ORDER_ID, LATER).payment_id == a_payment().payment_id


def test_a_pending_payment_is_still_open() -> None:
    assert domain.first_answer(a_payment(), AMOUNT) is None


def test_a_captured_payment_is_the_answer_to_a_repeat() -> None:
    captured = domain.capture(a_payment(), LATER)

    assert domain.first_answer(captured, AMOUNT) is captured
    assert (captured.version, captured.created_at, captured.updated_at) == (2, PLACED_AT, LATER)


def test_a_declined_payment_is_declined_again_for_the_same_reason() -> None:
    declined = domain.decline(a_payment(), "insufficient funds", LATER)

    with pytest.raises(PaymentDeclined, match=r"^insufficient funds$"):
        domain.first_answer(declined, AMOUNT)


@pytest.mark.parametrize(
    "undone",
    [
        domain.tombstone(ORDER_ID, PLACED_AT),
        domain.void(a_payment(), LATER),
        domain.refund(a_payment(PaymentStatus.CAPTURED), LATER),
    ],
    ids=["tombstone", "voided", "refunded"],
)
def test_a_payment_that_was_undone_is_not_charged(undone: Payment) -> None:
    with pytest.raises(StepAlreadyUndone):
        domain.first_answer(undone, AMOUNT)


@pytest.mark.parametrize("other", [Money(5001, "USD"), Money(5000, "EUR")])
@pytest.mark.parametrize("status", [PaymentStatus.PENDING, PaymentStatus.CAPTURED])
def test_a_repeat_over_another_amount_is_a_bug(status: PaymentStatus, other: Money) -> None:
    with pytest.raises(AmountChanged):
        domain.first_answer(a_payment(status), other)


def test_captured_money_cannot_be_voided() -> None:
    with pytest.raises(ValueError, match="captured"):
        domain.void(a_payment(PaymentStatus.CAPTURED), LATER)


@pytest.mark.parametrize(
    ("status", "captured", "refunded"),
    [
        (PaymentStatus.PENDING, 0, 0),
        (PaymentStatus.CAPTURED, 5000, 0),
        (PaymentStatus.DECLINED, 0, 0),
        (PaymentStatus.REFUNDED, 5000, 5000),
        (PaymentStatus.VOIDED, 0, 0),
    ],
)
def test_the_money_that_moved_follows_from_the_status(
    status: PaymentStatus, captured: int, refunded: int
) -> None:
    payment = a_payment(status)

    assert payment.captured == Money(captured, "USD")
    assert payment.refunded == Money(refunded, "USD")


def test_only_a_payment_that_never_began_is_a_tombstone() -> None:
    assert domain.tombstone(ORDER_ID, PLACED_AT).is_tombstone
    assert not domain.void(a_payment(), LATER).is_tombstone


@pytest.mark.parametrize(
    ("status", "refund_cents"),
    [
        (PaymentStatus.PENDING, None),
        (PaymentStatus.CAPTURED, 5000),
        (PaymentStatus.DECLINED, 0),
        (PaymentStatus.REFUNDED, 0),
        (PaymentStatus.VOIDED, 0),
    ],
)
def test_every_status_says_what_is_left_to_give_back(status, refund_cents) -> None:
    assert views.owed_view(a_payment(status)) == {"refund_cents": refund_cents, "currency": "USD"}


def test_a_payment_that_never_began_owes_nothing_in_no_currency() -> None:
    tombstone = domain.tombstone(ORDER_ID, LATER)

    assert views.owed_view(tombstone) == {"refund_cents": 0, "currency": None}
