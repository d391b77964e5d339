"""The state machine's tasks on a real (in-memory) table: each may be repeated, none overtakes."""

from collections.abc import Callable
from typing import Any

import pytest

from builders import ORIGIN, OrderBuilder, an_order
from order import domain, saga
from order.domain import Order, Payment, Status
from order.repository import OrderRepository
from shared import clock, dynamodb
from shared.errors import NotFound, StepAlreadyUndone, StorageContention

type OutboxEvents = Callable[[], list[tuple[str, dict[str, Any]]]]
FAILURE = {"Error": "PaymentDeclined", "Cause": '{"errorMessage": "do not honour"}'}


@pytest.fixture
def orders(order_table: str, frozen_clock: Any) -> OrderRepository:
    return OrderRepository(dynamodb.client(), order_table)


def placed(orders: OrderRepository, order: OrderBuilder | None = None) -> OrderBuilder:
    order = order or an_order().with_item("product-001", 2)
    orders.add(domain.place(order.build(), ORIGIN), None)
    return order


def test_the_forward_steps_take_an_order_from_pending_to_completed(
    orders: OrderRepository, outbox_events: OutboxEvents, frozen_clock: Any, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)

    # When
    frozen_clock.advance(seconds=1)
    saga.record_reservation(order.payload(reservation=order.reservation()), lambda_context)
    saga.record_payment(order.payload(payment=order.payment()), lambda_context)
    answer = saga.complete_order(order.payload(), lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "COMPLETED"}
    completed = orders.get(order.order_id)
    assert completed.status is Status.COMPLETED
    assert completed.total_cents == order.total_cents
    assert completed.lines[0].name == "Name of product-001"
    assert completed.payment == Payment("pay_1", order.total_cents, "USD")
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced", "OrderCompleted"]


def test_an_events_envelope_says_which_invocation_caused_it(
    orders: OrderRepository, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders, an_order().paid())

    # When
    saga.complete_order(order.payload(), lambda_context)

    # Then
    details = dict(outbox_events())
    metadata = details["OrderCompleted"]["metadata"]
    assert metadata["correlation_id"] == "cor-1"
    assert metadata["causation_id"] == lambda_context.aws_request_id
    assert metadata["occurred_at"] == clock.to_iso(clock.now())


def test_a_failed_saga_cancels_the_order_with_the_customers_reason(
    orders: OrderRepository, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)

    # When
    answer = saga.cancel_order(order.payload(failure=FAILURE), lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "CANCELLED"}
    reason = orders.get(order.order_id).reason
    assert reason is not None
    assert reason.code == "PAYMENT_DECLINED"
    event_type, detail = outbox_events()[-1]
    assert event_type == "OrderCancelled"
    assert detail["data"]["reason"] == {"code": reason.code, "message": reason.message}


def test_a_stuck_compensation_parks_the_order_and_says_what_is_owed(
    orders: OrderRepository, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders, an_order().paid())
    payload = order.payload(
        failure={"Error": "ZeroDivisionError", "Cause": ""},
        compensation="RefundPayment",
        compensation_failure={"Error": "RefundUnavailable", "Cause": "the provider is down"},
    )

    # When
    answer = saga.flag_for_attention(payload, lambda_context)

    # Then
    assert answer == {"order_id": order.order_id, "status": "NEEDS_ATTENTION"}
    event_type, detail = outbox_events()[-1]
    assert event_type == "OrderNeedsAttention"
    assert detail["data"]["owed"]["refund_cents"] == order.total_cents


def test_every_step_may_be_repeated_at_any_time_and_returns_its_first_answer(
    orders: OrderRepository, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)
    calls = [
        (saga.record_reservation, order.payload(reservation=order.reservation())),
        (saga.record_payment, order.payload(payment=order.payment())),
        (saga.complete_order, order.payload()),
    ]
    first = [step(payload, lambda_context) for step, payload in calls]
    before = orders.get(order.order_id)

    # When
    repeated = [step(payload, lambda_context) for step, payload in calls]

    # Then
    assert repeated == first
    assert orders.get(order.order_id) == before
    assert len(outbox_events()) == 2


def test_a_repeated_cancellation_keeps_the_first_reason_and_tells_it_once(
    orders: OrderRepository, outbox_events: OutboxEvents, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)
    first = saga.cancel_order(order.payload(failure=FAILURE), lambda_context)

    # When
    other = {"Error": "ZeroDivisionError", "Cause": ""}
    second = saga.cancel_order(order.payload(failure=other), lambda_context)

    # Then
    assert second == first
    reason = orders.get(order.order_id).reason
    assert reason is not None
    assert reason.code == "PAYMENT_DECLINED"
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced", "OrderCancelled"]


def test_a_late_step_after_the_cancellation_changes_nothing(
    orders: OrderRepository, lambda_context: Any
) -> None:
    # Given
    order = placed(orders)
    saga.cancel_order(order.payload(failure=FAILURE), lambda_context)
    cancelled = orders.get(order.order_id)

    # When
    with pytest.raises(StepAlreadyUndone):
        saga.record_payment(order.payload(payment=order.payment()), lambda_context)

    # Then
    assert orders.get(order.order_id) == cancelled


def test_of_two_steps_at_the_same_moment_the_later_write_is_refused_and_can_be_tried_again(
    orders: OrderRepository,
    outbox_events: OutboxEvents,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a step that read the order before a cancellation wrote it
    order = placed(orders, an_order().paid())
    stale = orders.get(order.order_id)
    saga.cancel_order(order.payload(failure=FAILURE), lambda_context)

    cancelled = orders.get(order.order_id)

    def read_before(repository: OrderRepository, order_id: str) -> Order:
        return stale

    monkeypatch.setattr(OrderRepository, "get", read_before)

    # When
    with pytest.raises(StorageContention):
        saga.complete_order(order.payload(), lambda_context)

    # Then
    monkeypatch.undo()
    assert orders.get(order.order_id) == cancelled
    assert [event_type for event_type, _ in outbox_events()] == ["OrderPlaced", "OrderCancelled"]


def test_a_step_of_an_order_that_does_not_exist_fails(
    orders: OrderRepository, lambda_context: Any
) -> None:
    with pytest.raises(NotFound):
        saga.complete_order(an_order().payload(), lambda_context)
