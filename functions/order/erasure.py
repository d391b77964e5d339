"""Erases the personal data of a deleted account's orders; what the books are made of stays.

An ended order is anonymized at once. One that is under way needs its address and e-mail until it
has ended: it is marked, and the sweeper anonymizes it then. Either way the order leaves the account
(and the index of its orders), so whoever goes on later finds what is left to do.

An order may still be placed with an access token of the account. So the account is noted as closed
first, which such an order is refused for, and the sweeper keeps looking for orders of it until
every token has expired.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from order import domain, service
from order.domain import Change, Order
from order.repository import OrderRepository
from shared.errors import StorageContention
from shared.events import Origin, PublishedEvent
from shared.logging import logger

AT_ONCE = 25
"""How many orders are erased with the event; the sweeper goes on with the others."""

# Longer than an access token is valid and an index may lag behind its table.
_WATCHED = timedelta(hours=1)


def close_account(event: PublishedEvent, orders: OrderRepository, at: datetime) -> None:
    """Carries out AccountDeleted; raises StorageContention."""
    account_id = event.data["account_id"]
    metadata = event.metadata
    origin = Origin(metadata["correlation_id"], metadata["event_id"], metadata["trace_id"])
    orders.close_account(account_id, at)
    found = list(islice(orders.owned_ids(account_id), AT_ONCE))
    for order_id in found:
        service.change(orders, order_id, lambda order: request_erasure(order, origin, at))
    logger.info("account closed", account_id=account_id, orders=len(found))


def continue_erasures(
    orders: OrderRepository, origin: Origin, at: datetime, is_over: Callable[[], bool]
) -> tuple[int, list[str]]:
    """Erases what is left of closed accounts, until the time is up; raises StorageContention.

    Returns how many orders left their account, and the ids of those that could not.
    """
    erased, failed = 0, list[str]()
    for account_id, closed_at in orders.closed_accounts().items():
        left = 0
        for order_id in orders.owned_ids(account_id):
            if is_over():
                return erased, failed
            try:
                service.change(orders, order_id, lambda order: request_erasure(order, origin, at))
                erased += 1
            except StorageContention:
                left += 1  # the next sweep's
            except Exception:
                # A bug that shows in one order must not keep the sweep from the orders after it.
                logger.exception("order not erased", order_id=order_id)
                failed.append(order_id)
        if not left and at - closed_at > _WATCHED:
            orders.forget_account(account_id)
    return erased, failed


def request_erasure(order: Order, origin: Origin, at: datetime) -> Change:
    """Takes an order from its account: anonymized, or marked where it has not ended yet."""
    if order.status.is_final:
        return anonymize(order, origin, at)
    if order.erasure_requested_at is not None:
        return Change(order)
    return Change(domain.changed(order, at, account_id=None, erasure_requested_at=at))


def anonymize(order: Order, origin: Origin, at: datetime) -> Change:
    """Erases what an ended order tells about its customer; its event has the others do so, too."""
    if order.email is None:
        return Change(order)
    failure = order.failure and replace(order.failure, cause="")  # may quote what a step was given
    erased = domain.changed(
        order,
        at,
        account_id=None,
        email=None,
        shipping_address=None,
        payment_token=None,
        unpaid_of=(),
        failure=failure,
        erasure_requested_at=order.erasure_requested_at or at,
    )
    return Change(erased, domain.event(erased, "OrderAnonymized", origin, {}))
