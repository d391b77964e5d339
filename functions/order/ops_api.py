"""The order service's HTTP API for operators, who sign in to an account with that role."""

from http import HTTPStatus
from typing import Any

from order import domain, holdings, views, wiring
from order.domain import Status
from order.execution import SagaUnreachable
from order.redrive import redrive
from shared import clock
from shared.errors import FieldError, ServiceBusy, ValidationFailed
from shared.fields import Fields
from shared.http import Answer, ServiceApi
from shared.storage import Unreadable


def _only_operators() -> None:
    api.require_operator()


api = ServiceApi(domain.SERVICE, guard=_only_operators)
handler = api.handler


@api.get("/ops/orders")
def list_unsettled_orders() -> dict[str, Any]:
    """Lists the orders for which something is left to do, all or those in one `status`.

    Names those that cannot be read, whatever their status may be.
    """
    wanted = api.query("status")
    if wanted is not None and wanted not in Status:
        expected = f"must be one of {', '.join(Status)}"
        raise ValidationFailed([FieldError("status", expected)])
    orders, unreadable = [], []
    for order in wiring.orders().unsettled():
        if isinstance(order, Unreadable):
            unreadable.append(order.order_id)
        elif wanted in (None, order.status) and not order.status.is_final:
            orders.append(order)
    owed = holdings.owed_of([order for order in orders if order.is_parked], wiring.services())
    listed = [views.operators_view(order, owed.get(order.order_id)) for order in orders]
    return {"orders": listed, "unreadable": unreadable}


@api.post("/ops/orders/{order_id}/redrive")
def redrive_order(order_id: str) -> Answer:
    """Resumes the saga of an order that is parked, or whose execution died."""
    operator = api.require_operator()
    fields = Fields(api.json_body())
    reason = fields.text("reason", max_length=500)
    fields.check()
    try:
        order = redrive(order_id, operator.account_id, reason, api.origin, clock.now())
    except SagaUnreachable as exc:
        # An earlier attempt may have been recorded, and only its answer lost.
        raise ServiceBusy(
            "The saga's engine did not answer; the redrive may have been recorded. "
            "Send the same request again: an order is never redriven while its saga runs."
        ) from exc
    body = {
        "order_id": order_id,
        "execution": order.execution,
        "resume_at": domain.resumes_at(order),
    }
    return Answer(body, HTTPStatus.ACCEPTED)
