"""The saga's steps that change the order itself. Each may be repeated at any time.

A step of any execution but the order's current one raises ExecutionSuperseded and changes nothing.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from order import domain, execution, holdings, payment_window, wiring
from order.commands import (
    AwaitPayment,
    BeginCancellation,
    CancelOrder,
    CompleteOrder,
    FlagForAttention,
    RecordPayment,
    RecordReservation,
)
from order.domain import Change, Order, PaymentWindow, Status
from shared import clock
from shared.tasks import SagaSteps, Task

steps = SagaSteps()
handler = steps.handler


@steps.saga_task("RecordReservation", RecordReservation)
def record_reservation(command: RecordReservation) -> dict[str, Any]:
    """Records the catalogue's names and prices, and the total, on the order."""
    order = _decide(
        command.task,
        lambda order: domain.price(
            order, command.lines, command.total_cents, command.currency, clock.now()
        ),
    )
    return _outcome(order, Status.PENDING)


@steps.saga_task("AwaitPayment", AwaitPayment)
def await_payment(command: AwaitPayment) -> dict[str, Any]:
    """Asks the customer to pay; wakes the saga at once where that is already decided.

    The state machine ignores the result: it waits for the task token.
    """
    at = clock.now()
    question = PaymentWindow(
        command.task_token, at + timedelta(seconds=command.wait_seconds), command.asked_at
    )
    order = _decide(
        command.task,
        lambda order: payment_window.ask_for_payment(order, question, command.task.origin, at),
    )
    if payment_window.is_decided(order, at):
        execution.wake(command.task_token)
    return _outcome(order, order.status)


@steps.saga_task("ClosePaymentWindow")
def close_payment_window(task: Task) -> dict[str, Any]:
    """Returns the token that the customer paid with; raises what was decided instead."""
    order = _decide(task, lambda order: payment_window.close(order, clock.now()))
    return {"token": payment_window.token_of(order), "sequence": order.version}


@steps.saga_task("RecordPayment", RecordPayment)
def record_payment(command: RecordPayment) -> dict[str, Any]:
    order = _decide(command.task, lambda order: domain.pay(order, command.payment, clock.now()))
    return _outcome(order, Status.PAID)


@steps.saga_task("CompleteOrder", CompleteOrder)
def complete_order(command: CompleteOrder) -> dict[str, Any]:
    task, shipment = command.task, command.shipment
    order = _decide(task, lambda order: domain.complete(order, shipment, task.origin, clock.now()))
    return _outcome(order, Status.COMPLETED)


@steps.saga_task("BeginCancellation", BeginCancellation)
def begin_cancellation(command: BeginCancellation) -> dict[str, Any]:
    """Turns the order back. Its status then tells the saga whether it did, or came too late."""
    task, failure = command.task, command.failure
    order = _decide(
        task, lambda order: domain.begin_cancellation(order, failure, task.origin, clock.now())
    )
    return _outcome(order, order.status)


@steps.saga_task("CancelOrder", CancelOrder)
def cancel_order(command: CancelOrder) -> dict[str, Any]:
    task, refund = command.task, command.refund
    order = _decide(task, lambda order: domain.cancel(order, refund, task.origin, clock.now()))
    return _outcome(order, Status.CANCELLED)


@steps.saga_task("FlagForAttention", FlagForAttention)
def flag_for_attention(command: FlagForAttention) -> dict[str, Any]:
    """Parks the order, because a compensation got stuck."""

    def park(order: Order) -> Change:
        owed = holdings.owed_of([order], wiring.services())[order.order_id]
        return domain.flag_for_attention(
            order, command.parked, owed, command.task.origin, clock.now()
        )

    order = _decide(command.task, park)
    return _outcome(order, order.status)


def _decide(task: Task, decide: Callable[[Order], Change]) -> Order:
    """Decides on the order as it is, stores that, and returns the order as it is then.

    Where another writer comes first, the state machine tries the step again.
    """
    orders = wiring.orders()
    order = orders.get(task.order_id)
    domain.refuse_if_superseded(order, task.execution)
    change = decide(order)
    orders.save(order, change)
    return change.order


def _outcome(order: Order, status: Status) -> dict[str, Any]:
    """A repeated step returns the same status, even when the order has moved on since.

    `sequence` is the order's version, which the events of the saga's next steps carry.
    """
    return {"order_id": order.order_id, "status": status, "sequence": order.version}
