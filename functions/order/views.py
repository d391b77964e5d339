"""What the order service answers over HTTP."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from order import payment_window
from order.domain import Order, Owed, Status
from order.requests import Page
from shared import clock


def accepted_view(order_id: str, status: Status = Status.PENDING) -> dict[str, Any]:
    """Returns the answer to a request that the saga acts on; links are paths below the API's URL.

    A repeated `POST /orders` gets the first answer again, whatever has happened to the order since.
    """
    return {
        "order_id": order_id,
        "status": status,
        "links": {"self": f"/orders/{order_id}", "timeline": f"/orders/{order_id}/timeline"},
    }


def placed_view(order_id: str, order_token: str) -> dict[str, Any]:
    """Returns the answer to `POST /orders`; whoever holds the token may open the order."""
    return {**accepted_view(order_id), "order_token": order_token}


def order_view(order: Order, at: datetime) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}` at that time.

    Prices and total are null until stock is reserved, and so is `payment_due_at` whenever a payment
    can't be given.
    """
    due_at = payment_window.due_at(order, at)
    return {
        "order_id": order.order_id,
        "status": order.status,
        "status_text": asdict(order.status_text(is_payable=due_at is not None)),
        "items": [asdict(line) for line in order.lines],
        "total_cents": order.total_cents,
        "currency": order.currency,
        "reason": None if order.reason is None else asdict(order.reason),
        "payment_due_at": None if due_at is None else clock.to_iso(due_at),
        "shipment": None if order.shipment is None else asdict(order.shipment),
        "cancel_requested": order.cancel_requested_at is not None,
        "created_at": clock.to_iso(order.created_at),
        "updated_at": clock.to_iso(order.updated_at),
    }


def orders_view(orders: Sequence[Order], page: Page, at: datetime) -> dict[str, Any]:
    """Returns `GET /customers/me/orders`: a page of orders; `next_cursor` is null on the last."""
    listed, more = orders[: page.limit], orders[page.limit :]
    return {
        "orders": [order_view(order, at) for order in listed],
        "next_cursor": listed[-1].order_id if more else None,
    }


def operators_view(order: Order, owed: Owed | None) -> dict[str, Any]:
    """Returns one of `GET /ops/orders`: what is wrong with an order, and what is owed if parked."""
    parked = order.parked if order.is_parked else None
    return {
        "order_id": order.order_id,
        "status": order.status,
        "execution": order.execution,
        "redrives": order.redrives,
        "cancel_requested": order.cancel_requested_at is not None,
        "failure": order.failure and order.failure.error,
        "parked": parked
        and {
            "failure": order.failure and order.failure.error,
            "compensation": parked.compensation,
            "error": parked.error,
            "owed": owed and asdict(owed),
        },
        "created_at": clock.to_iso(order.created_at),
        "updated_at": clock.to_iso(order.updated_at),
    }
