"""Lets clients watch orders, and tells them what changes.

Nothing is missed: a client watches an order before it gets the state that the order has then, and
whoever watches when an order has changed is told. What is told is the order as it is, so a message
that comes late or twice is never wrong, only old; its sequence says so.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from realtime import domain, messages
from realtime.clients import PARALLEL, Clients
from realtime.domain import Connection
from realtime.orders import Orders, OrderState
from realtime.repository import ConnectionTable
from shared import access, ids
from shared.errors import NotFound


def subscribe(
    connection: Connection, order_id: str, connections: ConnectionTable, orders: Orders
) -> OrderState:
    """Makes a connection watch an order; returns the order as it is then.

    Raises NotFound as `GET /orders/{order_id}` does, Conflict, Unauthorized where the connection
    has ended, ServiceBusy and StorageContention.
    """
    is_allowed = ids.is_id("ord", order_id) and access.may_open(
        connection.subject, order_id, partial(access.owner_of, order_id)
    )
    if not is_allowed:
        raise _not_found()
    domain.check_room(connection, order_id)
    connections.watch(connection, order_id)
    # Only now: what changes after this is sent.
    state = orders.find(order_id)
    if state is None:
        raise _not_found()
    return state


@dataclass(frozen=True, slots=True)
class Updates:
    """What clients are told without asking."""

    connections: ConnectionTable
    orders: Orders
    clients: Clients

    def send(self, order_id: str) -> int:
        """Sends an order to all who watch it; returns how many that were.

        Raises ServiceBusy, StorageContention, and the first error of those with which sending to a
        client failed; then too, all others were sent to. Whoever has left is forgotten.
        """
        watchers = self.connections.watchers(order_id)
        state = self.orders.find(order_id) if watchers else None
        if state is None:
            return 0
        message = messages.order_message(state)

        def tell(connection_id: str) -> None:
            if not self.clients.send(connection_id, message):
                self.connections.remove(connection_id, order_id)

        with ThreadPoolExecutor(min(len(watchers), PARALLEL)) as threads:
            calls = [threads.submit(tell, watcher) for watcher in watchers]
        for call in calls:
            call.result()
        return len(watchers)

    def disconnect(self, account_id: str) -> int:
        """Ends all connections of an account; returns how many that were."""
        ended = self.connections.of_account(account_id)
        for connection_id in ended:
            self.clients.disconnect(connection_id)
            self.connections.remove(connection_id)
        return len(ended)


def _not_found() -> NotFound:
    return NotFound("There is no such order.", code="ORDER_NOT_FOUND")
