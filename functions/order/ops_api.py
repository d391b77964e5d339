"""The order service's HTTP API for operators, who authenticate with a shared secret."""

import secrets
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities import parameters

from order import domain, holdings, views, wiring
from order.domain import Status
from order.execution import SagaUnreachable
from order.redrive import redrive
from shared import clock
from shared.errors import FieldError, ServiceBusy, Unauthorized, ValidationFailed
from shared.fields import Fields
from shared.http import Answer, ServiceApi
from shared.storage import Unreadable

# How many seconds it takes at most until a new secret replaces the old one.
_SECRET_MAX_AGE = 60


def _only_operators() -> None:
    """Raises Unauthorized where the request doesn't carry `Authorization: Bearer <secret>`."""
    scheme, _, credential = (api.header("Authorization") or "").partition(" ")
    secret = parameters.get_secret(wiring.operator_secret_arn(), max_age=_SECRET_MAX_AGE)
    # In constant time: the duration must not reveal how much of the secret was right.
    is_right = secrets.compare_digest(credential.strip().encode(), secret.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise Unauthorized("Send the operators' secret as a bearer token.")


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
        elif wanted in (None, order.status):
            orders.append(order)
    owed = holdings.owed_of([order for order in orders if order.is_parked], wiring.services())
    listed = [views.operators_view(order, owed.get(order.order_id)) for order in orders]
    return {"orders": listed, "unreadable": unreadable}


@api.post("/ops/orders/{order_id}/redrive")
def redrive_order(order_id: str) -> Answer:
    """Resumes the saga of an order that is parked, or whose execution died."""
    fields = Fields(api.json_body())
    operator = fields.text("operator", max_length=100)
    reason = fields.text("reason", max_length=500)
    fields.check()
    try:
        order = redrive(order_id, operator, reason, api.origin, clock.now())
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
