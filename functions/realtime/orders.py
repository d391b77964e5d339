"""Asks the order service for an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared import queries
from shared.errors import ServiceBusy

# Twice at most, and twice as long as a cold start.
_TIMEOUT_SECONDS = 4


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order as its customer sees it, at the version `sequence`."""

    sequence: int
    order: Mapping[str, Any]


class Orders:
    """The orders, as the order service's `function` tells of them."""

    def __init__(self, function: str) -> None:
        self._function = function

    def find(self, order_id: str) -> OrderState | None:
        """Returns an order as it is now, None where there is no such order; raises ServiceBusy."""
        question = {"query": "order", "order_id": order_id}
        answer = queries.ask_if_possible(self._function, question, timeout=_TIMEOUT_SECONDS)
        if answer is None:
            raise ServiceBusy("The order could not be read. Try again in a moment.")
        if answer["order"] is None:
            return None
        return OrderState(answer["sequence"], answer["order"])
