"""Finds a customer's address, which no event carries, by asking the order service."""

from shared import queries
from shared.errors import NotFound


def find_email(function: str, order_id: str) -> str | None:
    """Returns the address of the order's customer, None where there is no such order.

    Raises QueryFailed where the order service's `function` fails.
    """
    try:
        answer = queries.ask(function, {"query": "customer", "order_id": order_id})
    except queries.QueryFailed as exc:
        if exc.error == NotFound.__name__:
            return None
        raise
    email: str = answer["email"]
    return email
