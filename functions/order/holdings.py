"""Asks the other services what they still hold of orders that should be undone.

Their rows say it. What an execution did or believed does not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from order.domain import Order, Owed, items_of
from shared import queries

_MOST_ORDERS = 100
# Seconds. A step has ten for everything, and three services are asked.
_TIMEOUT = 1


@dataclass(frozen=True)
class Services:
    """The functions that answer, one of each service."""

    inventory_steps_function: str
    payment_steps_function: str
    shipping_steps_function: str


def owed_of(orders: Sequence[Order], services: Services) -> dict[str, Owed]:
    """Returns what is owed of each order, by its id; a service without a row holds nothing."""
    owed: dict[str, Owed] = {}
    for batch in batched(orders, _MOST_ORDERS):
        ids = [order.order_id for order in batch]
        stock = _ask(services.inventory_steps_function, ids)
        money = _ask(services.payment_steps_function, ids)
        parcels = _ask(services.shipping_steps_function, ids)
        answers = {"inventory": stock, "payment": money, "shipping": parcels}
        unanswered = [name for name, answer in answers.items() if answer is None]
        owed |= {order.order_id: _owed(order, stock, money, parcels, unanswered) for order in batch}
    return owed


type _Answer = Mapping[str, Mapping[str, Any]] | None


def _owed(
    order: Order, stock: _Answer, money: _Answer, parcels: _Answer, unanswered: Sequence[str]
) -> Owed:
    """Returns one order's; where a service did not answer, it may hold everything."""
    refund_cents, currency = None, order.currency
    if money is not None:
        paid = money.get(order.order_id, {"refund_cents": 0})
        refund_cents, currency = paid["refund_cents"], paid.get("currency") or order.currency
    stock_held: Sequence[Mapping[str, Any]] = items_of(order)
    if stock is not None:
        stock_held = stock.get(order.order_id, {"stock_held": []})["stock_held"]
    booked = True
    if parcels is not None:
        # A booking whose answer is not known yet may be on its way.
        booked = parcels.get(order.order_id, {"shipment_booked": False})["shipment_booked"] in (
            True,
            None,
        )
    return Owed(refund_cents, currency, stock_held, booked, unanswered)


def _ask(function: str, order_ids: Sequence[str]) -> _Answer:
    """Returns a service's answer by order; None where it gave none."""
    question = {"query": "owed", "order_ids": list(order_ids)}
    answer = queries.ask_if_possible(function, question, timeout=_TIMEOUT)
    return None if answer is None else answer["owed"]
