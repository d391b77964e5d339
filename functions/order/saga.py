"""The state machine's tasks that change the order itself. Each may be repeated at any time."""

from typing import Any

from order import domain
from order.domain import Order, Status
from order.models import (
    CancelOrder,
    CompleteOrder,
    FlagForAttention,
    RecordPayment,
    RecordReservation,
)
from order.repository import OrderRepository
from order.settings import TableSettings
from shared import clock, dynamodb, settings
from shared.tasks import saga_task

_orders = OrderRepository(dynamodb.client(), settings.load(TableSettings).table_name)


@saga_task(RecordReservation)
def record_reservation(command: RecordReservation) -> dict[str, Any]:
    """Writes the catalogue's names and prices and the total on the order."""
    order = _orders.get(command.task.order_id)
    change = domain.price(order, command.lines, command.total_cents, command.currency, clock.now())
    _orders.save(order, change)
    return _outcome(order, Status.PENDING)


@saga_task(RecordPayment)
def record_payment(command: RecordPayment) -> dict[str, Any]:
    """Notes the captured payment on the order."""
    order = _orders.get(command.task.order_id)
    _orders.save(order, domain.pay(order, command.payment, clock.now()))
    return _outcome(order, Status.PAID)


@saga_task(CompleteOrder)
def complete_order(command: CompleteOrder) -> dict[str, Any]:
    """Ends the order well."""
    order = _orders.get(command.task.order_id)
    _orders.save(order, domain.complete(order, command.task.origin, clock.now()))
    return _outcome(order, Status.COMPLETED)


@saga_task(CancelOrder)
def cancel_order(command: CancelOrder) -> dict[str, Any]:
    """Ends the order after everything was undone."""
    order = _orders.get(command.task.order_id)
    change = domain.cancel(order, command.error, command.task.origin, clock.now())
    _orders.save(order, change)
    return _outcome(order, Status.CANCELLED)


@saga_task(FlagForAttention)
def flag_for_attention(command: FlagForAttention) -> dict[str, Any]:
    """Parks the order, because a compensation got stuck."""
    order = _orders.get(command.task.order_id)
    change = domain.flag_for_attention(
        order,
        command.error,
        command.compensation,
        command.compensation_error,
        command.task.origin,
        clock.now(),
    )
    _orders.save(order, change)
    return _outcome(order, change.order.status)


def _outcome(order: Order, status: Status) -> dict[str, Any]:
    """A repeated step returns what it returned at first, even when the order has moved on since."""
    return {"order_id": order.order_id, "status": status}
