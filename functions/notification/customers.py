"""Finds a customer's address, which no event carries, by asking the order service."""

from shared import queries
from shared.errors import NotFound


class CustomersOfOrders:
    """The customers of orders, whom the order service knows."""

    def __init__(self, function: str) -> None:
        self._function = function

    def find_email(self, order_id: str) -> str | None:
        """Returns the address of the order's customer, None where there is no such order."""
        try:
            answer = queries.ask(self._function, {"query": "customer", "order_id": order_id})
        except queries.QueryFailed as exc:
            if exc.error == NotFound.__name__:
                return None
            raise
        email: str = answer["email"]
        return email
