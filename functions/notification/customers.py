"""Asks the order service for a customer's address, which no event carries, and the time to pay."""

from dataclasses import dataclass, field
from datetime import datetime

from shared import clock, queries
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message goes to; `payment_due_at` is None where no payment can be given now.

    `order_token` opens the order, for the message's link to it.
    """

    email: str
    payment_due_at: datetime | None = None
    order_token: str | None = field(default=None, repr=False)


def find_customer(function: str, order_id: str) -> Recipient | None:
    """Returns the order's customer as of now, None where there is none, or none any more.

    Raises QueryFailed where the order service's `function` fails.
    """
    try:
        answer = queries.ask(function, {"query": "customer", "order_id": order_id})
    except queries.QueryFailed as exc:
        if exc.error == NotFound.__name__:
            return None
        raise
    if answer["email"] is None:
        return None
    due_at = answer["payment_due_at"]
    return Recipient(
        answer["email"],
        None if due_at is None else clock.from_iso(due_at),
        answer["order_token"],
    )
