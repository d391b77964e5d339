"""The order service's HTTP API."""

from functools import partial
from http import HTTPStatus
from typing import Any

from order import domain, execution, models, placement, timeline
from order.repository import OrderRepository
from order.settings import SagaSettings
from shared import clock, dynamodb, settings
from shared.http import Answer, ServiceApi

_settings = settings.load(SagaSettings)
_orders = OrderRepository(dynamodb.client(), _settings.table_name)
_start_saga = partial(execution.start, execution.client(), _settings.state_machine_arn)

api = ServiceApi(domain.SERVICE)
handler = api.handler


@api.post("/orders")
def place_order() -> Answer:
    """Takes an order and starts its saga; a repeat under the same key gets the same answer."""
    key = api.header("Idempotency-Key", "X-Idempotency-Key")
    request = models.PlaceOrder.read(api.json_body(), key)
    order_id = placement.place(request, _orders, _start_saga, api.origin, clock.now())
    body = models.accepted_view(order_id)
    return Answer(body, HTTPStatus.ACCEPTED, {"Location": body["links"]["self"]})


@api.get("/orders/{order_id}")
def get_order(order_id: str) -> dict[str, Any]:
    """Shows an order as it is now."""
    return models.order_view(_orders.get(order_id))


@api.get("/orders/{order_id}/timeline")
def get_timeline(order_id: str) -> dict[str, Any]:
    """Tells what happened to an order so far."""
    return timeline.timeline_view(order_id, _orders.events(order_id))
