"""The order's steps of the saga: each may be repeated, and none overwrites another's change."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from builders import ORIGIN, SHIPMENT, OrderBuilder, an_order
from order import domain, payment_window, redrive, saga, service
from order.domain import Change, Failure, Order, Owed, Parked, Payment, Status
from shared import clock
from shared.errors import (
    CancelledByCustomer,
    Conflict,
    ExecutionSuperseded,
    NotFound,
    PaymentExpired,
    PaymentWindowOpen,
    StepAlreadyUndone,
    StorageContention,
)
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

UNDONE = ["OrderPlaced", "OrderCancellationStarted", "OrderCancelled"]

type OutboxEvents = Callable[[], list[tuple[str, dict[str, Any]]]]
FAILURE = {"Error": "PaymentDeclined", "Cause": '{"errorMessage": "do not honour"}'}


pytestmark = pytest.mark.usefixtures("frozen_clock", "services")


def placed(orders: FakeOrders, order: OrderBuilder | None = None) -> OrderBuilder:
    order = order or an_order().with_item("product-001", 2)
    orders.add(domain.place(order.build(), ORIGIN), None)
    return order


def turned_back(order: OrderBuilder, context: Any, failure: Any = FAILURE) -> OrderBuilder:
    saga.handler(order.payload("BeginCancellation", failure=failure), context)
    return order


def asking(order: OrderBuilder, token: str, asked_at: str = "1") -> dict[str, Any]:
    return order.payload("AwaitPayment", task_token=token, asked_at=asked_at, wait_seconds=900)


def test_the_forward_steps_take_an_order_from_pending_to_completed(
    orders: FakeOrders, outbox_events: OutboxEvents, frozen_clock: Any, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)

    # When
    frozen_clock.advance(seconds=1)
    for payload in (
        order.payload("RecordReservation", reservation=order.reservation()),
        order.payload("RecordPayment", payment=order.payment()),
    ):
        saga.handler(payload, lambda_context)
    answer = saga.handler(order.payload("CompleteOrder", shipment=order.shipment()), lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "COMPLETED", "sequence": 4}
    completed = orders.get(order.order_id)
    assert completed.status is Status.COMPLETED
    assert completed.total_cents == order.total_cents
    assert completed.lines[0].name == "Name of product-001"
    assert completed.payment == Payment("pay_1", order.total_cents, "USD")
    assert completed.shipment == SHIPMENT
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced", "OrderCompleted"]


def test_an_events_envelope_says_which_invocation_caused_it(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders, an_order().paid())

    # When
    saga.handler(order.payload("CompleteOrder", shipment=order.shipment()), lambda_context)

    # Then
    details = dict(outbox_events())
    metadata = details["OrderCompleted"]["metadata"]
    assert metadata["correlation_id"] == "cor-1"
    assert metadata["causation_id"] == lambda_context.aws_request_id
    assert metadata["occurred_at"] == clock.to_iso(clock.now())


def test_the_turn_is_written_with_its_cause_before_anything_is_undone(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)

    # When
    failure = {"Error": "ZeroDivisionError", "Cause": "a" * 30_000}
    answer = saga.handler(order.payload("BeginCancellation", failure=failure), lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "CANCELLING", "sequence": 2}
    assert orders.get(order.order_id).failure == Failure("ZeroDivisionError", "a" * 2000)
    event_type, detail = outbox_events()[-1]
    assert event_type == "OrderCancellationStarted"
    assert detail["metadata"]["sequence"] == 2


def test_a_saga_that_turns_a_completed_order_back_is_told_that_it_came_too_late(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given: CompleteOrder worked, and its answer was lost.
    order = placed(orders, an_order().completed())

    # When
    answer = saga.handler(order.payload("BeginCancellation", failure=FAILURE), lambda_context)

    # Then
    assert answer["status"] == "COMPLETED"
    assert orders.get(order.order_id).failure is None
    assert len(outbox_events()) == 1


def test_only_the_current_execution_writes(
    orders: FakeOrders,
    outbox_events: OutboxEvents,
    stepfunctions: FakeStepFunctions,
    lambda_context: Any,
) -> None:
    # Given an order that was redriven
    order = placed(orders, an_order().awaiting_payment())
    before = orders.get(order.order_id)
    orders.save(before, redrive.count_redrive(before, "ada", "It died.", ORIGIN, clock.now()))
    redriven, told = orders.get(order.order_id), len(outbox_events())

    # When every step of its first execution comes late
    stuck = {"compensation": "CancelOrder", "compensation_failure": FAILURE}
    late = [
        order.payload("RecordReservation", reservation=order.reservation()),
        asking(order, "task-token-2", "2"),
        order.payload("ClosePaymentWindow"),
        order.payload("RecordPayment", payment=order.payment()),
        order.payload("CompleteOrder", shipment=order.shipment()),
        order.payload("BeginCancellation", failure=FAILURE),
        order.payload("CancelOrder", refund=None),
        order.payload("FlagForAttention", **stuck),
    ]
    assert {payload["step"] for payload in late} == set(saga.steps)
    for payload in late:
        with pytest.raises(ExecutionSuperseded):
            saga.handler(payload, lambda_context)

    # Then
    assert orders.get(order.order_id) == redriven
    assert len(outbox_events()) == told


def test_a_failed_saga_cancels_the_order_with_the_customers_reason(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = turned_back(placed(orders), lambda_context)

    # When
    answer = saga.handler(order.payload("CancelOrder", refund=None), lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "CANCELLED", "sequence": 3}
    reason = orders.get(order.order_id).reason
    assert reason is not None
    assert reason.code == "PAYMENT_DECLINED"
    event_type, detail = outbox_events()[-1]
    assert event_type == "OrderCancelled"
    assert detail["data"]["reason"] == {"code": reason.code, "message": reason.message}


def test_a_stuck_compensation_parks_the_order_and_says_what_the_services_hold(
    orders: FakeOrders,
    outbox_events: OutboxEvents,
    services: dict[str, Owed],
    lambda_context: Any,
) -> None:
    # Given
    order = turned_back(placed(orders, an_order().paid()), lambda_context)
    services[order.order_id] = Owed(77, "USD", [], True)
    payload = order.payload(
        "FlagForAttention",
        compensation="RefundPayment",
        compensation_failure={"Error": "RefundUnavailable", "Cause": "the provider is down"},
    )

    # When
    answer = saga.handler(payload, lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "NEEDS_ATTENTION", "sequence": 3}
    event_type, detail = outbox_events()[-1]
    assert event_type == "OrderNeedsAttention"
    assert detail["data"]["owed"]["refund_cents"] == 77
    assert orders.get(order.order_id).parked == Parked("RefundPayment", "RefundUnavailable")


def test_every_step_may_be_repeated_at_any_time_and_returns_its_first_answer(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)
    payloads = [
        order.payload("RecordReservation", reservation=order.reservation()),
        order.payload("RecordPayment", payment=order.payment()),
        order.payload("CompleteOrder", shipment=order.shipment()),
    ]
    first = [saga.handler(payload, lambda_context) for payload in payloads]
    before = orders.get(order.order_id)

    # When
    repeated = [saga.handler(payload, lambda_context) for payload in payloads]

    # Then
    assert [answer["status"] for answer in repeated] == [answer["status"] for answer in first]
    assert orders.get(order.order_id) == before
    assert len(outbox_events()) == 2


def test_a_repeated_cancellation_keeps_the_first_reason_and_tells_it_once(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = turned_back(placed(orders), lambda_context)
    first = saga.handler(order.payload("CancelOrder", refund=None), lambda_context)

    # When
    turned_back(order, lambda_context, {"Error": "ZeroDivisionError", "Cause": ""})
    second = saga.handler(order.payload("CancelOrder", refund=None), lambda_context)

    # Then
    assert second == first
    reason = orders.get(order.order_id).reason
    assert reason is not None
    assert reason.code == "PAYMENT_DECLINED"
    assert [event_type for event_type, _ in outbox_events()] == UNDONE


def test_a_late_step_after_the_cancellation_changes_nothing(
    orders: FakeOrders, lambda_context: Any
) -> None:
    # Given
    order = turned_back(placed(orders), lambda_context)
    saga.handler(order.payload("CancelOrder", refund=None), lambda_context)
    cancelled = orders.get(order.order_id)

    # When
    with pytest.raises(StepAlreadyUndone):
        saga.handler(order.payload("RecordPayment", payment=order.payment()), lambda_context)

    # Then
    assert orders.get(order.order_id) == cancelled


def test_of_two_steps_at_the_same_moment_the_later_write_is_refused_and_can_be_tried_again(
    orders: FakeOrders,
    outbox_events: OutboxEvents,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a step that read the order before a cancellation wrote it
    order = placed(orders, an_order().paid())
    stale = orders.get(order.order_id)
    turned_back(order, lambda_context)
    saga.handler(order.payload("CancelOrder", refund=None), lambda_context)
    cancelled = orders.get(order.order_id)

    # When
    with monkeypatch.context() as overtaken:
        overtaken.setattr(orders, "get", lambda order_id: stale)
        with pytest.raises(StorageContention):
            saga.handler(order.payload("CompleteOrder", shipment=order.shipment()), lambda_context)

    # Then
    assert orders.get(order.order_id) == cancelled
    assert [event_type for event_type, _ in outbox_events()] == UNDONE


def test_a_step_of_an_order_that_does_not_exist_fails(
    orders: FakeOrders, lambda_context: Any
) -> None:
    with pytest.raises(NotFound):
        saga.handler(
            an_order().payload("CompleteOrder", shipment=an_order().shipment()), lambda_context
        )


REFUND = {"amount_cents": 129_900, "currency": "USD"}


@pytest.mark.parametrize(
    ("refund", "told"),
    [
        (REFUND, REFUND),
        (None, None),
        # What RefundPayment answers where nothing was ever captured.
        ({"amount_cents": 0, "currency": None}, None),
    ],
)
def test_a_cancelled_order_tells_what_was_refunded(
    refund: Any,
    told: Any,
    orders: FakeOrders,
    outbox_events: OutboxEvents,
    lambda_context: Any,
) -> None:
    # Given
    order = turned_back(placed(orders, an_order().reserved()), lambda_context)

    # When
    saga.handler(order.payload("CancelOrder", refund=refund), lambda_context)

    # Then
    assert outbox_events()[-1][1]["data"]["refund"] == told


@pytest.fixture
def stepfunctions(stepfunctions: FakeStepFunctions) -> FakeStepFunctions:
    """Step Functions with two executions that wait."""
    stepfunctions.waiting = {"task-token-1", "task-token-2"}
    return stepfunctions


def test_an_order_that_is_paid_later_waits_until_it_is_woken(
    orders: FakeOrders,
    outbox_events: OutboxEvents,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
) -> None:
    # Given
    order = placed(orders, an_order().unpaid().reserved())
    frozen_clock.advance(seconds=1)

    # When
    answer = saga.handler(asking(order, "task-token-1"), lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "AWAITING_PAYMENT", "sequence": 2}
    window = orders.get(order.order_id).payment_window
    assert window is not None
    assert window.due_at - clock.now() == timedelta(seconds=900)
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced", "PaymentRequested"]
    assert stepfunctions.woken == []


@pytest.mark.parametrize("decided", ["paid", "cancelled", "too late"])
def test_a_saga_that_comes_to_wait_for_what_is_decided_wakes_at_once(
    decided: str,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
) -> None:
    # Given
    order = placed(orders, an_order().awaiting_payment())
    if decided == "paid":
        service.change(
            orders,
            order.order_id,
            lambda one: payment_window.give_payment(one, "tok_visa", clock.now()),
        )
    elif decided == "cancelled":
        service.change(
            orders,
            order.order_id,
            lambda one: domain.request_cancellation(one, ORIGIN, clock.now()),
        )
    else:
        frozen_clock.advance(minutes=15)

    # When
    saga.handler(asking(order, "task-token-2", "2"), lambda_context)

    # Then
    assert stepfunctions.woken == ["task-token-2"]


def test_the_task_token_is_not_in_the_log(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any, logged: Any
) -> None:
    # Given
    order = placed(orders, an_order().unpaid().reserved())

    # When
    saga.handler(asking(order, "task-token-1"), lambda_context)

    # Then
    assert "task-token-1" not in json.dumps(logged())


def test_a_window_that_closes_hands_over_the_payment_as_often_as_it_is_asked(
    orders: FakeOrders, lambda_context: Any
) -> None:
    # Given
    order = placed(orders, an_order().awaiting_payment())
    service.change(
        orders,
        order.order_id,
        lambda one: payment_window.give_payment(one, "tok_visa", clock.now()),
    )

    # When
    answers = [saga.handler(order.payload("ClosePaymentWindow"), lambda_context) for _ in range(2)]

    # Then
    assert answers == [{"token": "tok_visa", "sequence": 2}] * 2


def test_a_window_that_closes_unpaid_expires_once_and_for_all(
    orders: FakeOrders, frozen_clock: Any, lambda_context: Any
) -> None:
    # Given
    order = placed(orders, an_order().awaiting_payment())
    with pytest.raises(PaymentWindowOpen):
        saga.handler(order.payload("ClosePaymentWindow"), lambda_context)
    frozen_clock.advance(minutes=15)

    # When
    for _ in range(2):
        with pytest.raises(PaymentExpired):
            saga.handler(order.payload("ClosePaymentWindow"), lambda_context)

    # Then
    with pytest.raises(Conflict):
        service.change(
            orders,
            order.order_id,
            lambda one: payment_window.give_payment(one, "tok_visa", clock.now()),
        )


def test_an_expiry_that_was_overtaken_by_a_payment_does_not_count(
    orders: FakeOrders,
    frozen_clock: Any,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a task that read the order before its customer paid
    order = placed(orders, an_order().awaiting_payment())
    stale = orders.get(order.order_id)
    service.change(
        orders,
        order.order_id,
        lambda one: payment_window.give_payment(one, "tok_visa", clock.now()),
    )

    # When
    frozen_clock.advance(minutes=15)
    with monkeypatch.context() as overtaken:
        overtaken.setattr(orders, "get", lambda order_id: stale)
        with pytest.raises(StorageContention):
            saga.handler(order.payload("ClosePaymentWindow"), lambda_context)

    # Then the state machine's retry finds the payment
    assert saga.handler(order.payload("ClosePaymentWindow"), lambda_context)["token"] == "tok_visa"


def test_of_a_completion_and_a_cancellation_at_the_same_moment_exactly_one_wins(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given a customer who cancels between the completion's read and its write
    order = placed(orders, an_order().paid())

    def cancelled_meanwhile(current: Order) -> Change:
        if current.cancel_requested_at is None:
            orders.save(current, domain.request_cancellation(current, ORIGIN, clock.now()))
        return domain.complete(current, SHIPMENT, ORIGIN, clock.now())

    # When
    with pytest.raises(CancelledByCustomer):
        service.change(orders, order.order_id, cancelled_meanwhile)

    # Then
    assert orders.get(order.order_id).status is Status.PAID
    assert "OrderCompleted" not in [event_type for event_type, _ in outbox_events()]


def test_a_cancellation_that_was_overtaken_by_the_completion_is_refused(
    orders: FakeOrders, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given an order that completes between the cancellation's read and its write
    order = placed(orders, an_order().paid())

    def completed_meanwhile(current: Order) -> Change:
        if current.status is Status.PAID:
            orders.save(current, domain.complete(current, SHIPMENT, ORIGIN, clock.now()))
        return domain.request_cancellation(current, ORIGIN, clock.now())

    # When
    with pytest.raises(Conflict):
        service.change(orders, order.order_id, completed_meanwhile)

    # Then
    assert orders.get(order.order_id).cancel_requested_at is None
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced", "OrderCompleted"]
