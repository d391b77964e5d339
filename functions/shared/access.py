"""Who may open an order: whoever holds its token, its owner, and operators. Nobody else learns
whether it exists: they get the answer that an unknown order has.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared import queries, settings
from shared.errors import ServiceBusy
from shared.subjects import AccountSubject, OrderSubject, Subject


@dataclass(frozen=True)
class _Settings:
    order_queries_function: str


def may_open(caller: Subject | None, order_id: str, owner: Callable[[], str | None]) -> bool:
    """Whether an order may be shown to the caller, and changed by it.

    `owner` returns the id of the account that placed the order, None for a guest's; it is called
    only where that decides.
    """
    match caller:
        case OrderSubject():
            return caller.order_id == order_id
        case AccountSubject():
            return caller.is_operator or caller.account_id == owner()
        case None:
            return False


def owner_of(order_id: str) -> str | None:
    """Asks the order service which account an order belongs to, if any. Raises ServiceBusy."""
    function = settings.load(_Settings).order_queries_function
    question = {"query": "owner", "order_id": order_id}
    answer = queries.ask_if_possible(function, question, timeout=8)
    if answer is None:
        raise ServiceBusy("It is not known whose order this is. Try again in a moment.")
    owner: str | None = answer["account_id"]
    return owner
