"""Answers other services' questions about orders; it is invoked directly, not over HTTP."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from order import payment_window, views, wiring
from shared import clock, logging, tokens
from shared.errors import FieldError, ValidationFailed
from shared.fields import Fields
from shared.logging import logger

MAX_ORDERS = 100


def handler(query: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers one of four questions.

        {"query": "order_statuses", "order_ids": [at most 100]}   {"statuses": {id: status}}
        {"query": "owner", "order_id": id}                        {"account_id"}
        {"query": "order", "order_id": id}                        {"sequence", "order"}
        {"query": "customer", "order_id": id}       {"email", "payment_due_at", "order_token"}

    An order that is not among the statuses does not exist. `account_id` is null where there is no
    such order, or a guest's. `order` is what `GET /orders/{order_id}` answers, at the version
    `sequence`; both are null where there is no such order. The address and the token stay out of
    events and logs. `payment_due_at` is null where no payment can be given now, `email` where it
    was erased. Raises ValidationFailed, StorageContention, and NotFound for the customer of an
    order that does not exist.
    """
    logging.bind(context)
    match query.get("query"):
        case "order_statuses":
            return _find_statuses(query)
        case "owner":
            return _find_owner(query)
        case "order":
            return _find_order(query)
        case "customer":
            return _find_customer(query)
    known = "must be order_statuses, owner, order or customer"
    raise ValidationFailed([FieldError("query", known)])


def _find_statuses(query: Mapping[str, Any]) -> dict[str, Any]:
    fields = Fields(query)
    order_ids = fields.texts("order_ids", maximum=MAX_ORDERS)
    fields.check()
    statuses = wiring.orders().statuses(order_ids)
    logger.info("order statuses told", asked=len(order_ids), found=len(statuses))
    return {"statuses": statuses}


def _find_owner(query: Mapping[str, Any]) -> dict[str, Any]:
    fields = Fields(query)
    order_id = fields.text("order_id")
    fields.check()
    order = wiring.orders().find(order_id)
    logger.info("owner told", order_id=order_id)
    return {"account_id": order and order.account_id}


def _find_order(query: Mapping[str, Any]) -> dict[str, Any]:
    fields = Fields(query)
    order_id = fields.text("order_id")
    fields.check()
    order = wiring.orders().find(order_id)
    return {
        "sequence": order and order.version,
        "order": order and views.order_view(order, clock.now()),
    }


def _find_customer(query: Mapping[str, Any]) -> dict[str, Any]:
    fields = Fields(query)
    order_id = fields.text("order_id")
    fields.check()
    logger.append_keys(order_id=order_id)
    order = wiring.orders().get(order_id)
    due_at = payment_window.due_at(order, clock.now())
    logger.info("customer told")
    return {
        "email": order.email,
        "payment_due_at": None if due_at is None else clock.to_iso(due_at),
        "order_token": tokens.tokens().for_order(order_id, order.created_at),
    }
