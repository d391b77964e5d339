"""The time in which a customer may pay: opened once, decided once, closed for good."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT, OrderBuilder, an_order, undone
from order import domain, payment_window
from order.domain import Change, IllegalTransition, Order, PaymentWindow, Status
from shared.errors import (
    CancelledByCustomer,
    Conflict,
    PaymentExpired,
    PaymentWindowOpen,
    StepAlreadyUndone,
)

LATER = PLACED_AT + timedelta(seconds=1)
DUE_AT = PLACED_AT + timedelta(minutes=15)
WAITING = an_order().awaiting_payment()


def ask(order: Order, under: str = "task-token-1", at: Any = LATER, asked: str = "1") -> Change:
    window = PaymentWindow(under, at + timedelta(seconds=60), asked)
    return payment_window.ask_for_payment(order, window, ORIGIN, at)


def cancelled_by_customer(order: OrderBuilder) -> Order:
    return domain.request_cancellation(order.build(), ORIGIN, LATER).order


def paid_later() -> Order:
    return payment_window.give_payment(WAITING.build(), "tok_visa", LATER).order


def expired() -> Order:
    return payment_window.close(WAITING.build(), DUE_AT).order


def test_an_order_without_a_payment_waits_and_asks_for_it() -> None:
    # When
    change = ask(an_order().unpaid().reserved().build())

    # Then
    due_at = LATER + timedelta(seconds=60)
    assert change.order.status is Status.AWAITING_PAYMENT
    assert change.order.payment_window == PaymentWindow("task-token-1", due_at, "1")
    assert change.event is not None
    assert change.event.type == "PaymentRequested"
    assert change.event.data == {
        "total_cents": 129_900,
        "currency": "USD",
        "due_at": "2026-03-01T09:31:01.000Z",
    }


def test_asked_again_it_waits_under_the_new_token_no_longer_and_without_a_second_event() -> None:
    # When
    change = ask(WAITING.build(), "task-token-2")

    # Then
    assert change.order.payment_window == PaymentWindow("task-token-2", DUE_AT, "1")
    assert change.event is None


def test_asked_twice_by_the_same_delivery_nothing_changes() -> None:
    assert ask(WAITING.build(), "task-token-1", asked="") == Change(WAITING.build())


@pytest.mark.parametrize(
    "order",
    [paid_later(), cancelled_by_customer(an_order().unpaid().reserved()), expired()],
    ids=["paid", "cancelled", "expired"],
)
def test_what_is_decided_is_not_asked_again(order: Order) -> None:
    assert payment_window.is_decided(order, LATER)
    assert ask(order, "task-token-2") == Change(order)


def test_an_order_whose_time_is_over_is_decided_though_nobody_has_said_so_yet() -> None:
    assert not payment_window.is_decided(WAITING.build(), DUE_AT - timedelta(milliseconds=1))
    assert payment_window.is_decided(WAITING.build(), DUE_AT)


def test_an_order_without_prices_cannot_ask_for_them() -> None:
    with pytest.raises(IllegalTransition):
        ask(an_order().unpaid().build())


def test_a_payment_is_taken_and_handed_to_the_saga() -> None:
    # When
    order = paid_later()

    # Then
    assert order.status is Status.AWAITING_PAYMENT
    assert payment_window.token_of(payment_window.close(order, DUE_AT).order) == "tok_visa"


def test_the_same_payment_again_changes_nothing_even_after_the_order_has_moved_on() -> None:
    for order in (paid_later(), replace(paid_later(), status=Status.COMPLETED)):
        assert payment_window.give_payment(order, "tok_visa", LATER) == Change(order)


@pytest.mark.parametrize(
    ("order", "seconds", "why"),
    [
        (an_order().unpaid().reserved().build(), 1, "setting the items aside"),
        (an_order().build(), 1, "already given"),
        (paid_later(), 1, "already given"),
        (an_order().paid().build(), 1, "already paid"),
        (an_order().completed().build(), 1, "already paid"),
        (cancelled_by_customer(WAITING), 1, "cancelled"),
        (undone(WAITING.build(), "KeyError").order, 1, "cancelled"),
        (WAITING.cancelling().build(), 1, "being cancelled"),
        (replace(WAITING.build(), status=Status.NEEDS_ATTENTION), 1, "being undone"),
        (expired(), 1, "time to pay is over"),
        (undone(expired(), "PaymentExpired").order, 1, "time to pay is over"),
        (WAITING.build(), 900, "time to pay is over"),
    ],
)
def test_an_order_that_waits_for_no_payment_says_why(order: Order, seconds: int, why: str) -> None:
    with pytest.raises(Conflict, match=why) as caught:
        payment_window.give_payment(order, "tok_other", PLACED_AT + timedelta(seconds=seconds))
    assert caught.value.code == "ORDER_NOT_AWAITING_PAYMENT"


def test_a_window_that_closes_without_a_payment_takes_none_any_more() -> None:
    # When
    order = expired()

    # Then
    assert order.payment_expired_at == DUE_AT
    assert payment_window.close(order, DUE_AT) == Change(order)
    with pytest.raises(PaymentExpired):
        payment_window.token_of(order)


def test_a_cancellation_wins_over_a_payment_that_has_not_been_charged() -> None:
    # Given
    order = domain.request_cancellation(paid_later(), ORIGIN, LATER).order

    # Then
    with pytest.raises(CancelledByCustomer):
        payment_window.close(order, DUE_AT)


def test_a_window_of_an_order_that_was_undone_is_not_touched() -> None:
    for order in (undone(WAITING.build(), "KeyError").order, WAITING.cancelling().build()):
        with pytest.raises(StepAlreadyUndone):
            ask(order)
        with pytest.raises(StepAlreadyUndone):
            payment_window.close(order, LATER)


def test_a_late_first_question_does_not_overwrite_the_live_task_token() -> None:
    # Given the retry's question came before the first one's
    second = ask(an_order().unpaid().reserved().build(), "task-token-2", LATER, "t/01").order

    # When
    late = ask(second, "task-token-1", LATER, "t/00")

    # Then
    assert late == Change(second)


def test_a_customer_within_the_promised_time_is_never_refused() -> None:
    # Given an engine whose timer ends before the order is due
    early = DUE_AT - timedelta(milliseconds=1)

    # Then
    with pytest.raises(PaymentWindowOpen):
        payment_window.close(WAITING.build(), early)
    assert payment_window.give_payment(WAITING.build(), "tok_visa", early).order.payment_token


def test_the_payment_window_ends_at_the_due_time_that_the_order_stores() -> None:
    # Given an execution that began again, with a wait of its own
    order = ask(WAITING.build(), "task-token-2", DUE_AT - timedelta(seconds=1)).order

    # Then
    assert order.payment_window is not None
    assert order.payment_window.due_at == DUE_AT
    assert payment_window.close(order, DUE_AT).order.payment_expired_at == DUE_AT


def test_the_due_time_is_shown_only_while_a_payment_can_be_given() -> None:
    assert payment_window.due_at(WAITING.build(), LATER) == DUE_AT
    assert payment_window.due_at(WAITING.build(), DUE_AT) is None
    for order in (an_order().build(), paid_later(), cancelled_by_customer(WAITING), expired()):
        assert payment_window.due_at(order, LATER) is None
