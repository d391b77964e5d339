"""The state machine's tasks that change the order itself. Each may be repeated at any time."""

from typing import Any

from order import domain, execution, payment_window
from order.domain import Order, Parked, Status
from order.models import (
    AwaitPayment,
    CancelOrder,
    CompleteOrder,
    FlagForAttention,
    RecordPayment,
    RecordReservation,
)
from order.repository import OrderRepository
from order.settings import TaskSettings
from shared import clock, dynamodb, settings
from shared.tasks import SagaSteps, Task

_settings = settings.load(TaskSettings)
_orders = OrderRepository(dynamodb.client(), _settings.table_name)
steps = SagaSteps()
handler = steps.handler


@steps.saga_task("RecordReservation", RecordReservation)
def record_reservation(command: RecordReservation) -> dict[str, Any]:
    """Writes the catalogue's names and prices and the total on the order."""
    order = _orders.get(command.task.order_id)
    change = domain.price(order, command.lines, command.total_cents, command.currency, clock.now())
    _orders.save(order, change)
    return _outcome(order, Status.PENDING)


@steps.saga_task("AwaitPayment", AwaitPayment)
def await_payment(command: AwaitPayment) -> dict[str, Any]:
    """Asks the customer to pay; wakes the saga at once where that is decided already.

    What it returns goes nowhere: the saga waits for its task token.
    """
    order = _orders.get(command.task.order_id)
    at = clock.now()
    change = payment_window.ask_for_payment(
        order, command.task_token, _settings.payment_wait_seconds, command.task.origin, at
    )
    _orders.save(order, change)
    if payment_window.is_decided(change.order, at):
        execution.wake(execution.client(), command.task_token)
    return _outcome(order, change.order.status)


@steps.saga_task("ClosePaymentWindow")
def close_payment_window(task: Task) -> dict[str, Any]:
    """Returns the token that the customer paid with; raises what was decided instead."""
    order = _orders.get(task.order_id)
    change = payment_window.close(order, clock.now())
    _orders.save(order, change)
    return {"token": payment_window.token_of(change.order)}


@steps.saga_task("RecordPayment", RecordPayment)
def record_payment(command: RecordPayment) -> dict[str, Any]:
    """Notes the captured payment on the order."""
    order = _orders.get(command.task.order_id)
    _orders.save(order, domain.pay(order, command.payment, clock.now()))
    return _outcome(order, Status.PAID)


@steps.saga_task("CompleteOrder", CompleteOrder)
def complete_order(command: CompleteOrder) -> dict[str, Any]:
    """Ends the order well."""
    order = _orders.get(command.task.order_id)
    change = domain.complete(order, command.task.origin, clock.now(), command.shipment)
    _orders.save(order, change)
    return _outcome(order, Status.COMPLETED)


@steps.saga_task("CancelOrder", CancelOrder)
def cancel_order(command: CancelOrder) -> dict[str, Any]:
    """Ends the order after everything was undone."""
    order = _orders.get(command.task.order_id)
    change = domain.cancel(order, command.error, command.task.origin, clock.now(), command.refund)
    _orders.save(order, change)
    return _outcome(order, Status.CANCELLED)


@steps.saga_task("FlagForAttention", FlagForAttention)
def flag_for_attention(command: FlagForAttention) -> dict[str, Any]:
    """Parks the order, because a compensation got stuck."""
    order = _orders.get(command.task.order_id)
    parked = Parked(
        command.failure,
        command.compensation,
        command.compensation_error,
        command.refund,
        redrive=order.redrives,
    )
    change = domain.flag_for_attention(order, parked, command.task.origin, clock.now())
    _orders.save(order, change)
    return _outcome(order, change.order.status)


def _outcome(order: Order, status: Status) -> dict[str, Any]:
    """A repeated step returns what it returned at first, even when the order has moved on since."""
    return {"order_id": order.order_id, "status": status}
