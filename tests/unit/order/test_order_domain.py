"""The rules of an order's life."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import ORDER_ID, ORIGIN, OWED, PLACED_AT, SHIPMENT, OrderBuilder, an_order
from order import domain
from order.domain import (
    Change,
    Failure,
    IllegalTransition,
    Line,
    Order,
    Owed,
    Parked,
    Payment,
    ReasonCode,
    Refund,
    Status,
)
from order.redrive import count_redrive
from shared.errors import (
    CancelledByCustomer,
    Conflict,
    ExecutionSuperseded,
    PaymentExpired,
    StepAlreadyUndone,
)

LATER = PLACED_AT + timedelta(seconds=1)
PAYMENT = Payment("pay_1", 129_900, "USD")


def turn(order: Order, error: str = "OutOfStock") -> Change:
    return domain.begin_cancellation(order, Failure(error, "its cause"), ORIGIN, LATER)


def cancel(order: Order, error: str = "OutOfStock", refund: Refund | None = None) -> Change:
    return domain.cancel(turn(order, error).order, refund, ORIGIN, LATER)


def flag(order: Order, compensation: str, owed: Owed = OWED) -> Change:
    parked = Parked(compensation, "RefundUnavailable")
    return domain.flag_for_attention(turn(order).order, parked, owed, ORIGIN, LATER)


def cancel_requested(order: OrderBuilder) -> Order:
    return domain.request_cancellation(order.build(), ORIGIN, LATER).order


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


def test_a_paid_order_completes_and_tells_its_total_and_how_it_travels() -> None:
    # When
    change = domain.complete(an_order().paid().build(), SHIPMENT, ORIGIN, LATER)

    # Then
    assert (change.order.status, change.order.shipment) == (Status.COMPLETED, SHIPMENT)
    assert change.event is not None
    assert change.event.type == "OrderCompleted"
    assert change.event.data == {
        "total_cents": 129_900,
        "currency": "USD",
        "shipment": {"carrier": "Swift Parcel", "tracking_number": "SP123456789US"},
    }


def test_an_order_that_is_not_paid_does_not_complete() -> None:
    with pytest.raises(IllegalTransition):
        domain.complete(an_order().reserved().build(), SHIPMENT, ORIGIN, LATER)


OPEN = [an_order(), an_order().awaiting_payment(), an_order().reserved(), an_order().paid()]


@pytest.mark.parametrize("order", OPEN)
def test_an_open_order_turns_back_with_the_failure_that_caused_it(order: OrderBuilder) -> None:
    # When
    change = turn(order.build())

    # Then
    assert change.order.status is Status.CANCELLING
    assert change.order.status.is_open
    assert change.order.failure == Failure("OutOfStock", "its cause")
    assert change.order.reason is not None
    assert change.event is not None
    assert change.event.type == "OrderCancellationStarted"
    assert change.event.sequence == change.order.version
    assert change.event.data == {
        "reason": {"code": "OUT_OF_STOCK", "message": change.order.reason.message}
    }


def test_a_completed_order_does_not_turn_back() -> None:
    # Given
    completed = an_order().completed().build()

    # Then
    assert turn(completed) == Change(completed)


def test_an_order_that_turned_back_never_completes() -> None:
    with pytest.raises(StepAlreadyUndone):
        domain.complete(turn(an_order().paid().build()).order, SHIPMENT, ORIGIN, LATER)


def test_the_failure_that_turned_an_order_back_first_is_the_one_that_is_kept() -> None:
    # Given
    turned = turn(an_order().paid().build(), "ShipmentRejected").order

    # Then
    assert turn(turned, "KeyError") == Change(turned)
    assert turn(flag(turned, "RefundPayment").order, "KeyError").event is None


def test_an_order_is_undone_only_after_it_turned_back() -> None:
    # Given
    paid = an_order().paid().build()

    # Then
    with pytest.raises(IllegalTransition):
        domain.cancel(paid, None, ORIGIN, LATER)
    with pytest.raises(IllegalTransition):
        domain.flag_for_attention(paid, Parked("CancelOrder", "KeyError"), OWED, ORIGIN, LATER)


@pytest.mark.parametrize(
    ("redrives", "current", "others"),
    [
        (0, ORDER_ID, [f"{ORDER_ID}-r1", "another"]),
        (12, f"{ORDER_ID}-r12", [ORDER_ID, f"{ORDER_ID}-r11", f"{ORDER_ID}-r13"]),
    ],
)
def test_each_redrive_is_an_execution_of_its_own_and_the_only_one_that_writes(
    redrives: int, current: str, others: list[str]
) -> None:
    # Given
    order = replace(an_order().build(), redrives=redrives)

    # Then
    assert order.execution == current
    domain.refuse_if_superseded(order, current)
    for other in others:
        with pytest.raises(ExecutionSuperseded):
            domain.refuse_if_superseded(order, other)


@pytest.mark.parametrize("order", OPEN)
def test_the_saga_cancels_an_order_wherever_it_turned_back(order: OrderBuilder) -> None:
    # When
    change = cancel(order.build())

    # Then
    assert change.order.status is Status.CANCELLED
    assert change.order.reason is not None
    assert change.event is not None
    assert change.event.type == "OrderCancelled"
    assert change.event.data == {
        "reason": {"code": "OUT_OF_STOCK", "message": change.order.reason.message},
        "refund": None,
    }


def test_a_cancelled_order_tells_what_went_back_to_its_customer() -> None:
    # When
    change = cancel(an_order().paid().build(), "ShipmentRejected", Refund(129_900, "USD"))

    # Then
    assert change.event is not None
    assert change.event.data["refund"] == {"amount_cents": 129_900, "currency": "USD"}


@pytest.mark.parametrize(
    ("order", "refund", "money"),
    [
        (an_order().unpaid(), None, "You have not been charged."),
        (an_order(), None, "If you were charged, you have been refunded."),
        (an_order().paid(), Refund(129_900, "USD"), "Your payment has been refunded."),
    ],
    ids=["no payment given", "a payment given", "charged"],
)
def test_a_cancelled_order_tells_what_happened_to_the_money(
    order: OrderBuilder, refund: Refund | None, money: str
) -> None:
    # When
    reason = cancel(order.build(), "CancelledByCustomer", refund).order.reason

    # Then
    assert reason is not None
    assert reason.message == f"You cancelled this order. {money}"


def test_an_order_that_needed_attention_is_cancelled_once_its_undo_is_fixed() -> None:
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
        ("PaymentExpired", ReasonCode.PAYMENT_EXPIRED),
        ("ShipmentRejected", ReasonCode.SHIPMENT_REJECTED),
        ("CancelledByCustomer", ReasonCode.CANCELLED_BY_CUSTOMER),
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
        (completed, domain.complete(completed, SHIPMENT, ORIGIN, LATER)),
        (cancelled, cancel(cancelled, "PaymentDeclined")),
        (parked, flag(parked, "ReleaseStock")),
    ]

    # Then
    for before, change in repeats:
        assert change == Change(before)


@pytest.mark.parametrize(
    "undone",
    [
        turn(an_order().paid().build()).order,
        cancel(an_order().paid().build()).order,
        flag(an_order().paid().build(), "CancelOrder").order,
    ],
    ids=lambda order: order.status,
)
def test_a_step_that_comes_after_the_undo_is_refused(undone: Order) -> None:
    with pytest.raises(StepAlreadyUndone):
        domain.price(undone, undone.lines, 1, "USD", LATER)
    with pytest.raises(StepAlreadyUndone):
        domain.pay(undone, PAYMENT, LATER)
    with pytest.raises(StepAlreadyUndone):
        domain.complete(undone, SHIPMENT, ORIGIN, LATER)


def test_an_order_that_needs_attention_says_what_the_services_still_hold() -> None:
    # When
    owed = Owed(None, "USD", [{"sku": "product-001", "quantity": 1}], True, ["payment"])
    change = flag(an_order().paid().build(), "RefundPayment", owed)

    # Then
    assert change.order.status is Status.NEEDS_ATTENTION
    assert change.event is not None
    assert change.event.type == "OrderNeedsAttention"
    assert change.event.data["compensation"] == "RefundPayment"
    assert change.event.data["error"] == "RefundUnavailable"
    assert change.event.data["owed"] == {
        "refund_cents": None,
        "currency": "USD",
        "stock_held": [{"sku": "product-001", "quantity": 1}],
        "shipment_booked": True,
        "unanswered": ["payment"],
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


def test_an_order_is_parked_again_by_each_redrive_that_gets_stuck_and_told_each_time() -> None:
    # Given
    first = flag(an_order().paid().build(), "RefundPayment")
    redriven = count_redrive(first.order, "ada", "Fixed.", ORIGIN, LATER).order

    # When
    second = flag(redriven, "ReleaseStock")

    # Then
    assert first.order.is_parked
    assert redriven.status is Status.CANCELLING
    assert second.order.is_parked
    assert first.event is not None
    assert second.event is not None
    assert second.event.event_id != first.event.event_id
    assert second.order.parked is not None
    assert second.order.parked.compensation == "ReleaseStock"


def test_an_order_that_is_cancelled_at_last_owes_nothing_any_more() -> None:
    # Given
    parked = flag(an_order().paid().build(), "RefundPayment").order

    # Then
    assert cancel(parked).order.parked is None


@pytest.mark.parametrize(
    "order",
    [an_order(), an_order().awaiting_payment(), an_order().paid()],
    ids=lambda order: order.status,
)
def test_a_customer_may_cancel_an_open_order(order: OrderBuilder) -> None:
    # When
    change = domain.request_cancellation(order.build(), ORIGIN, LATER)

    # Then the order goes on being what it is: the saga undoes it
    assert (change.order.status, change.order.cancel_requested_at) == (order.status, LATER)
    assert change.event is not None
    assert (change.event.type, change.event.data) == ("OrderCancellationRequested", {})


@pytest.mark.parametrize(
    "order",
    [
        an_order().completed().build(),
        cancel(an_order().build()).order,
        flag(an_order().paid().build(), "RefundPayment").order,
    ],
    ids=lambda order: order.status,
)
def test_a_customer_may_not_cancel_what_has_ended(order: Order) -> None:
    with pytest.raises(Conflict) as caught:
        domain.request_cancellation(order, ORIGIN, LATER)
    assert caught.value.code == "ORDER_NOT_CANCELLABLE"


def test_a_customer_who_cancels_again_is_told_the_same_whatever_has_become_of_it() -> None:
    # Given
    requested = cancel_requested(an_order())
    cancelled = cancel(requested, "CancelledByCustomer").order

    # Then
    for order in (requested, turn(an_order().build()).order, cancelled):
        assert domain.request_cancellation(order, ORIGIN, LATER) == Change(order)


def test_the_sagas_next_step_finds_that_the_customer_cancelled() -> None:
    # Given
    pending, paid = cancel_requested(an_order()), cancel_requested(an_order().paid())

    # Then
    with pytest.raises(CancelledByCustomer):
        domain.price(pending, pending.lines, 1, "USD", LATER)
    with pytest.raises(CancelledByCustomer):
        domain.pay(pending, PAYMENT, LATER)
    with pytest.raises(CancelledByCustomer):
        domain.pay(paid, PAYMENT, LATER)
    with pytest.raises(CancelledByCustomer):
        domain.complete(paid, SHIPMENT, ORIGIN, LATER)


def test_an_order_that_may_have_been_charged_is_not_stopped_where_nothing_is_refunded() -> None:
    # Given: its prices were taken over, and then its execution was lost and begun again.
    order = cancel_requested(an_order().reserved())

    # Then
    assert domain.price(order, order.lines, order.total_cents or 0, "USD", LATER) == Change(order)


def test_a_charge_that_comes_after_the_time_to_pay_is_refused_so_that_it_is_refunded() -> None:
    # Given
    expired = replace(an_order().awaiting_payment().build(), payment_expired_at=LATER)

    # Then
    with pytest.raises(PaymentExpired):
        domain.pay(expired, PAYMENT, LATER)


def test_a_customer_who_cancelled_does_not_read_that_something_else_broke_meanwhile() -> None:
    # When
    reason = cancel(cancel_requested(an_order().paid()), "States.Timeout").order.reason

    # Then
    assert reason is not None
    assert reason.code is ReasonCode.CANCELLED_BY_CUSTOMER
