"""Tells whether payments can be taken now, which decides whether new orders are accepted."""

from datetime import datetime, timedelta

from shared import queries

# How long an answer counts. A busy store does not ask once an order.
_MAX_AGE = timedelta(seconds=3)
# Seconds. The API has ten for the whole request, and an unanswered question must not cost an order.
_TIMEOUT = 1


class PaymentCircuit:
    """The payment service's circuit breaker, as the order service sees it."""

    def __init__(self, steps_function: str) -> None:
        """Makes it; `steps_function` is the payment service's function, which answers queries."""
        self._steps_function = steps_function
        self._asked_at: datetime | None = None
        self._retry_after: int | None = None

    def retry_after(self, at: datetime) -> int | None:
        """Returns the seconds after which payments may work again; None where they work now.

        They count as working where the payment service does not answer: an order can wait for its
        payment, and what is refused is lost.
        """
        if self._asked_at is None or not timedelta(0) <= at - self._asked_at < _MAX_AGE:
            self._asked_at, self._retry_after = at, self._ask()
        return self._retry_after

    def _ask(self) -> int | None:
        question = {"query": "circuit"}
        answer = queries.ask_if_possible(self._steps_function, question, timeout=_TIMEOUT)
        if answer is None or answer["state"] != "OPEN":
            return None
        seconds: int = answer["retry_after_seconds"]
        return max(1, seconds)
