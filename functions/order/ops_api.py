"""The order service's HTTP API for operators, who authenticate with a shared secret."""

import secrets
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities import parameters

from order import domain, requests, views, wiring
from order.domain import Status
from order.execution import SagaUnreachable
from order.redrive import redrive
from order.saga_input import execution_name, resumption
from shared import clock
from shared.errors import FieldError, ServiceBusy, Unauthorized, ValidationFailed
from shared.http import Answer, ServiceApi

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
    """Lists the orders for which something is left to do, all or those in one `status`."""
    wanted = _status(api.query("status"))
    orders = [order for order in wiring.orders().unsettled() if wanted in (None, order.status)]
    return {"orders": [views.operators_view(order) for order in orders]}


@api.post("/ops/orders/{order_id}/redrive")
def redrive_order(order_id: str) -> Answer:
    """Resumes the saga of an order that is parked, or whose execution died."""
    request = requests.Redrive.read(api.json_body())
    try:
        order = redrive(
            order_id,
            request.operator,
            request.reason,
            wiring.orders(),
            wiring.sagas(),
            api.origin,
            clock.now(),
        )
    except SagaUnreachable as exc:
        raise ServiceBusy("The saga's engine did not answer. Nothing was changed.") from exc
    resume = resumption(order)
    body = {
        "order_id": order_id,
        "execution": execution_name(order),
        "resume_at": None if resume is None else resume.resume_at,
    }
    return Answer(body, HTTPStatus.ACCEPTED)


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    if text not in Status:
        expected = f"must be one of {', '.join(Status)}"
        raise ValidationFailed([FieldError("status", expected)])
    return Status(text)
