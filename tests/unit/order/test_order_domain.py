"""The rules of an order's life."""

import json
from datetime import timedelta

import pytest

from builders import ORIGIN, PLACED_AT, OrderBuilder, an_order
from order import domain
from order.domain import Change, IllegalTransition, Line, Order, Payment, ReasonCode, Status
from shared.errors import StepAlreadyUndone

LATER = PLACED_AT + timedelta(seconds=1)
PAYMENT = Payment("pay_1", 129_900, "USD")


def cancel(order: Order, error: str = "OutOfStock") -> Change:
    return domain.cancel(order, error, ORIGIN, LATER)


def flag(order: Order, compensation: str) -> Change:
    return domain.flag_for_attention(
        order, "ZeroDivisionError", compensation, "RefundUnavailable", ORIGIN, LATER
    )


def test_lines_of_the_same_sku_become_one_and_keep_their_place() -> None:
    # Given
    lines = [Line("b", 1), Line("a", 2), Line("b", 3)]

    # Then
    assert domain.merge_lines(lines) == (Line("b", 4), Line("a", 2))


def test_a_placed_order_is_told_without_its_payment_token_and_address() -> None:
    # Given
    order = an_order().with_item("product-001", 2).build()

    # When
    change = domain.place(order, ORIGIN)

    # Then
    assert change.order == order
    assert change.event is not None
    assert change.event.type == "OrderPlaced"
    assert change.event.data == {"items": [{"sku": "product-001", "quantity": 2}]}


def test_the_sagas_input_is_always_the_same_text_for_an_order() -> None:
    # Given
    pending = an_order().with_item("product-001", 2)

    # When
    texts = {domain.execution_input(one.build()) for one in (pending, pending.paid())}

    # Then
    assert [json.loads(text) for text in texts] == [
        {
            "order_id": pending.order_id,
            "items": [{"sku": "product-001", "quantity": 2}],
            "payment": {"token": "tok_visa"},
            "correlation_id": "cor-1",
        }
    ]


def test_a_reservation_gives_a_pending_order_its_prices() -> None:
    # Given
    order = an_order().build()
    lines = (Line("product-001", 1, "Laptop", 129_900),)

    # When
    priced = domain.price(order, lines, 129_900, "USD", LATER).order

    # Then
    assert (priced.status, priced.lines, priced.total_cents) == (Status.PENDING, lines, 129_900)
    assert (priced.updated_at, priced.version) == (LATER, order.version + 1)


def test_a_payment_makes_an_order_paid() -> None:
    # When
    paid = domain.pay(an_order().reserved().build(), PAYMENT, LATER).order

    # Then
    assert (paid.status, paid.payment) == (Status.PAID, PAYMENT)


def test_a_paid_order_completes_and_tells_its_total() -> None:
    # When
    change = domain.complete(an_order().paid().build(), ORIGIN, LATER)

    # Then
    assert change.order.status is Status.COMPLETED
    assert change.event is not None
    assert change.event.type == "OrderCompleted"
    assert change.event.data == {"total_cents": 129_900, "currency": "USD"}


def test_an_order_that_is_not_paid_does_not_complete() -> None:
    with pytest.raises(IllegalTransition):
        domain.complete(an_order().reserved().build(), ORIGIN, LATER)


@pytest.mark.parametrize(
    "order",
    [an_order(), an_order().reserved(), an_order().paid(), an_order().completed()],
    ids=lambda order: order.status,
)
def test_the_saga_cancels_an_order_wherever_it_got_to(order: OrderBuilder) -> None:
    # When
    change = cancel(order.build())

    # Then
    assert change.order.status is Status.CANCELLED
    assert change.order.reason is not None
    assert change.event is not None
    assert change.event.type == "OrderCancelled"
    assert change.event.data == {
        "reason": {"code": "OUT_OF_STOCK", "message": change.order.reason.message}
    }


def test_an_order_that_needed_attention_is_cancelled_once_its_undo_is_mended() -> None:
    # Given
    parked = flag(an_order().paid().build(), "RefundPayment").order

    # Then
    assert cancel(parked).order.status is Status.CANCELLED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("OutOfStock", ReasonCode.OUT_OF_STOCK),
        ("UnknownProduct", ReasonCode.UNKNOWN_PRODUCT),
        ("PaymentDeclined", ReasonCode.PAYMENT_DECLINED),
        ("PaymentOutcomeUnknown", ReasonCode.INTERNAL_ERROR),
        ("StepAlreadyUndone", ReasonCode.INTERNAL_ERROR),
        ("Lambda.Unknown", ReasonCode.INTERNAL_ERROR),
        ("KeyError", ReasonCode.INTERNAL_ERROR),
    ],
)
def test_only_business_failures_are_reasons_that_a_customer_reads(
    error: str, code: ReasonCode
) -> None:
    # When
    reason = cancel(an_order().build(), error).order.reason

    # Then
    assert reason is not None
    assert reason.code is code
    assert error not in reason.message


def test_a_repeated_decision_changes_nothing_and_tells_nothing() -> None:
    # Given
    reserved = an_order().reserved().build()
    paid = an_order().paid().build()
    completed = an_order().completed().build()
    cancelled = cancel(reserved).order
    parked = flag(paid, "RefundPayment").order

    # When
    repeats = [
        (reserved, domain.price(reserved, reserved.lines, 1, "USD", LATER)),
        (paid, domain.pay(paid, PAYMENT, LATER)),
        (completed, domain.pay(completed, PAYMENT, LATER)),
        (completed, domain.complete(completed, ORIGIN, LATER)),
        (cancelled, cancel(cancelled, "PaymentDeclined")),
        (parked, flag(parked, "ReleaseStock")),
    ]

    # Then
    for before, change in repeats:
        assert change == Change(before)


@pytest.mark.parametrize(
    "undone",
    [cancel(an_order().paid().build()).order, flag(an_order().paid().build(), "CancelOrder").order],
    ids=lambda order: order.status,
)
def test_a_step_that_comes_after_the_undo_is_refused(undone: Order) -> None:
    with pytest.raises(StepAlreadyUndone):
        domain.price(undone, undone.lines, 1, "USD", LATER)
    with pytest.raises(StepAlreadyUndone):
        domain.pay(undone, PAYMENT, LATER)
    with pytest.raises(StepAlreadyUndone):
        domain.complete(undone, ORIGIN, LATER)


@pytest.mark.parametrize(
    ("order", "compensation", "refund_cents", "held"),
    [
        (an_order().paid(), "RefundPayment", 129_900, True),
        # The charge's answer never came: nobody knows whether there is money to give back.
        (an_order().reserved(), "RefundPayment", None, True),
        (an_order().paid(), "ReleaseStock", 0, True),
        (an_order().paid(), "CancelOrder", 0, False),
    ],
)
def test_an_order_that_needs_attention_says_what_is_owed(
    order: OrderBuilder, compensation: str, refund_cents: int | None, held: bool
) -> None:
    # When
    change = flag(order.build(), compensation)

    # Then
    assert change.order.status is Status.NEEDS_ATTENTION
    assert change.event is not None
    assert change.event.type == "OrderNeedsAttention"
    assert change.event.data["compensation"] == compensation
    assert change.event.data["error"] == "RefundUnavailable"
    assert change.event.data["owed"] == {
        "refund_cents": refund_cents,
        "currency": "USD",
        "stock_held": [{"sku": "product-001", "quantity": 1}] if held else [],
    }


def test_a_customer_whose_order_needs_attention_is_not_told_of_a_refund_that_did_not_happen() -> (
    None
):
    # When
    reason = flag(an_order().paid().build(), "RefundPayment").order.reason

    # Then
    assert reason is not None
    assert "have been refunded" not in reason.message


def test_an_order_whose_cancellation_only_lost_its_answer_stays_cancelled() -> None:
    # Given
    cancelled = cancel(an_order().build()).order

    # Then
    assert flag(cancelled, "CancelOrder") == Change(cancelled)
