"""The order service's HTTP API for customers."""

from http import HTTPStatus
from typing import Any

from order import domain, execution, models, payment_window, placement, timeline
from order.domain import Order
from order.execution import Sagas
from order.repository import OrderRepository
from order.settings import SagaSettings
from shared import clock, dynamodb, settings
from shared.http import Answer, ServiceApi
from shared.logging import logger

_settings = settings.load(SagaSettings)
_orders = OrderRepository(dynamodb.client(), _settings.table_name)
_stepfunctions = execution.client()
_sagas = Sagas(_stepfunctions, _settings.state_machine_arn, _settings.payment_wait_seconds)

api = ServiceApi(domain.SERVICE)
handler = api.handler


@api.post("/orders")
def place_order() -> Answer:
    """Takes an order and starts its saga; a repeat under the same key gets the same answer."""
    key = api.header("Idempotency-Key", "X-Idempotency-Key")
    request = models.PlaceOrder.read(api.json_body(), key)
    order_id = placement.place(request, _orders, _sagas.start, api.origin, clock.now())
    body = models.accepted_view(order_id)
    return Answer(body, HTTPStatus.ACCEPTED, {"Location": body["links"]["self"]})


@api.get("/orders/{order_id}")
def get_order(order_id: str) -> dict[str, Any]:
    """Shows an order as it is now."""
    return models.order_view(_orders.get(order_id), clock.now())


@api.get("/orders/{order_id}/timeline")
def get_timeline(order_id: str) -> dict[str, Any]:
    """Tells what happened to an order so far."""
    return timeline.timeline_view(order_id, _orders.events(order_id))


@api.post("/orders/{order_id}/payment")
def give_payment(order_id: str) -> Answer:
    """Takes the payment that an order waits for; the saga then charges it."""
    token = models.GivePayment.read(api.json_body()).token
    order = _orders.change(
        order_id, lambda order: payment_window.give_payment(order, token, clock.now())
    )
    logger.info("payment given")
    _wake(order)
    return Answer(models.answered_view(order), HTTPStatus.ACCEPTED)


@api.post("/orders/{order_id}/cancel")
def cancel_order(order_id: str) -> Answer:
    """Takes the customer's wish to cancel; the saga then undoes what was done."""
    order = _orders.change(
        order_id, lambda order: domain.request_cancellation(order, api.origin, clock.now())
    )
    logger.info("cancellation requested")
    _wake(order)
    return Answer(models.answered_view(order), HTTPStatus.ACCEPTED)


def _wake(order: Order) -> None:
    """Wakes a saga that waits for the customer; a repeated request does so again, in case."""
    if order.status is domain.Status.AWAITING_PAYMENT and order.payment_window is not None:
        execution.wake(_stepfunctions, order.payment_window.task_token)
