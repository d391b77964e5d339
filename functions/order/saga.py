"""The saga's steps that change the order itself. Each may be repeated at any time."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from order import domain, execution, payment_window, wiring
from order.commands import (
    AwaitPayment,
    CancelOrder,
    CompleteOrder,
    FlagForAttention,
    RecordPayment,
    RecordReservation,
)
from order.domain import Change, Order, Status
from shared import clock
from shared.tasks import SagaSteps, Task

steps = SagaSteps()
handler = steps.handler


@steps.saga_task("RecordReservation", RecordReservation)
def record_reservation(command: RecordReservation) -> dict[str, Any]:
    """Records the catalogue's names and prices, and the total, on the order."""
    _decide(
        command.task,
        lambda order: domain.price(
            order, command.lines, command.total_cents, command.currency, clock.now()
        ),
    )
    return _outcome(command.task, Status.PENDING)


@steps.saga_task("AwaitPayment", AwaitPayment)
def await_payment(command: AwaitPayment) -> dict[str, Any]:
    """Asks the customer to pay; wakes the saga at once where that is already decided.

    The state machine ignores the result: it waits for the task token.
    """
    at = clock.now()
    token, wait_seconds = command.task_token, wiring.settings().payment_wait_seconds
    order = _decide(
        command.task,
        lambda order: payment_window.ask_for_payment(
            order, token, wait_seconds, command.task.origin, at
        ),
    )
    if payment_window.is_decided(order, at):
        execution.wake(token)
    return _outcome(command.task, order.status)


@steps.saga_task("ClosePaymentWindow")
def close_payment_window(task: Task) -> dict[str, Any]:
    """Returns the token that the customer paid with; raises what was decided instead."""
    order = _decide(task, lambda order: payment_window.close(order, clock.now()))
    return {"token": payment_window.token_of(order)}


@steps.saga_task("RecordPayment", RecordPayment)
def record_payment(command: RecordPayment) -> dict[str, Any]:
    _decide(command.task, lambda order: domain.pay(order, command.payment, clock.now()))
    return _outcome(command.task, Status.PAID)


@steps.saga_task("CompleteOrder", CompleteOrder)
def complete_order(command: CompleteOrder) -> dict[str, Any]:
    task, shipment = command.task, command.shipment
    _decide(task, lambda order: domain.complete(order, shipment, task.origin, clock.now()))
    return _outcome(task, Status.COMPLETED)


@steps.saga_task("CancelOrder", CancelOrder)
def cancel_order(command: CancelOrder) -> dict[str, Any]:
    task, error, refund = command.task, command.error, command.refund
    _decide(task, lambda order: domain.cancel(order, error, task.origin, clock.now(), refund))
    return _outcome(task, Status.CANCELLED)


@steps.saga_task("FlagForAttention", FlagForAttention)
def flag_for_attention(command: FlagForAttention) -> dict[str, Any]:
    """Parks the order, because a compensation got stuck."""

    def park(order: Order) -> Change:
        parked = replace(command.parked, redrive=order.redrives)
        return domain.flag_for_attention(order, parked, command.task.origin, clock.now())

    return _outcome(command.task, _decide(command.task, park).status)


def _decide(task: Task, decide: Callable[[Order], Change]) -> Order:
    """Decides on the order as it is, stores that, and returns the order as it is then.

    Where another writer comes first, the state machine tries the step again.
    """
    orders = wiring.orders()
    order = orders.get(task.order_id)
    change = decide(order)
    orders.save(order, change)
    return change.order


def _outcome(task: Task, status: Status) -> dict[str, Any]:
    """A repeated step returns what it returned at first, even when the order has moved on since."""
    return {"order_id": task.order_id, "status": status}
