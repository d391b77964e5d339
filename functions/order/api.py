"""The order service's HTTP API for customers."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from order import (
    domain,
    execution,
    payment_window,
    requests,
    sandbox,
    service,
    timeline,
    views,
    wiring,
)
from order.domain import Change, Order
from order.repository import not_found
from order.saga_view import saga_view
from shared import access, clock, tokens
from shared.errors import ServiceBusy
from shared.fields import Fields
from shared.http import Answer, ServiceApi
from shared.logging import logger
from shared.subjects import AccountSubject, Subject

api = ServiceApi(domain.SERVICE)
handler = api.handler


@api.post("/orders")
def place_order() -> Answer:
    """Places an order and starts its saga; a repeat under the same key gets the same answer.

    The order belongs to the account that the caller signed in to, if any.
    """
    caller = api.caller()
    account_id = caller.account_id if isinstance(caller, AccountSubject) else None
    key = api.header("Idempotency-Key", "X-Idempotency-Key")
    request = requests.PlaceOrder.read(api.json_body(), key, account_id)
    order = wiring.checkout().place(request, api.client_address(), api.origin, clock.now())
    order_token = tokens.tokens().for_order(order.order_id, order.created_at)
    body = views.placed_view(order.order_id, order_token)
    return Answer(body, HTTPStatus.ACCEPTED, {"Location": body["links"]["self"]})


@api.get("/orders/{order_id}")
def get_order(order_id: str) -> dict[str, Any]:
    """Returns an order as it is now."""
    return views.order_view(_open(order_id), clock.now())


@api.get("/customers/me/orders")
def list_own_orders() -> dict[str, Any]:
    """Lists the orders of the account that the caller signed in to, the newest first."""
    page = requests.Page.read(api.query("limit"), api.query("cursor"))
    orders = wiring.orders().owned_by(api.account().account_id, page)
    return views.orders_view(orders, page, clock.now())


@api.get("/orders/{order_id}/timeline")
def get_timeline(order_id: str) -> dict[str, Any]:
    """Returns an order's events so far."""
    _open(order_id)
    return timeline.timeline_view(order_id, wiring.orders().events(order_id))


@api.get("/orders/{order_id}/saga")
def get_saga(order_id: str) -> dict[str, Any]:
    """Returns the states that the order's executions went through so far."""
    order = _open(order_id)
    try:
        return saga_view(order, wiring.sagas().history)
    except execution.SagaUnreachable as exc:
        raise ServiceBusy("The saga's engine did not answer. Send the same request again.") from exc


@api.post("/orders/{order_id}/payment")
def give_payment(order_id: str) -> Answer:
    """Accepts the payment that an order waits for; the saga then charges it."""
    fields = Fields(api.json_body())
    token = fields.text("token", max_length=requests.MAX_TOKEN_LENGTH)
    fields.check()
    order = _change(order_id, lambda order: payment_window.give_payment(order, token, clock.now()))
    logger.info("payment given")
    _wake(order)
    return Answer(views.accepted_view(order_id, order.status), HTTPStatus.ACCEPTED)


@api.post("/orders/{order_id}/cancel")
def cancel_order(order_id: str) -> Answer:
    """Accepts a customer's cancellation; the saga then undoes what was done."""
    order = _change(
        order_id, lambda order: domain.request_cancellation(order, api.origin, clock.now())
    )
    logger.info("cancellation requested")
    _wake(order)
    return Answer(views.accepted_view(order_id, order.status), HTTPStatus.ACCEPTED)


@api.get("/sandbox/failures")
def list_failures() -> dict[str, Any]:
    """Returns what can be broken in an order on purpose: nothing outside sandbox stages."""
    return sandbox.failures_view()


@api.post("/sandbox/failures")
def arm_failure() -> Answer:
    """Breaks one order on purpose, once; a client may do so as often as it may order."""
    sandbox.refuse_outside()
    wiring.limiter().count(wiring.limits().breaks_per_address, api.client_address(), clock.now())
    return Answer(sandbox.arm(api.json_body()), HTTPStatus.CREATED)


def _open(order_id: str) -> Order:
    """Returns an order; raises NotFound where it is none of the caller's business.

    Raises InvalidToken before it looks whether there is such an order.
    """
    caller = api.caller()
    return _opened(wiring.orders().get(order_id), caller)


def _change(order_id: str, decide: Callable[[Order], Change]) -> Order:
    """Decides on an order that the caller may change, as `service.change` does; raises as above."""
    caller = api.caller()
    return service.change(wiring.orders(), order_id, lambda order: decide(_opened(order, caller)))


def _opened(order: Order, caller: Subject | None) -> Order:
    if not access.may_open(caller, order.order_id, lambda: order.account_id):
        raise not_found()
    return order


def _wake(order: Order) -> None:
    """Wakes a saga that waits for the customer; so does a repeat, in case the first call failed."""
    if order.status is domain.Status.AWAITING_PAYMENT and order.payment_window is not None:
        execution.wake(order.payment_window.task_token)
