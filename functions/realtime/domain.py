"""The rules of a connection: whom it speaks for, how long it lasts, and what it may watch.

A connection speaks for whoever the token was given to that opened it. It ends after LIFETIME, and
its client connects again, with a token that is valid then. Nothing here does I/O or uses AWS.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import Conflict
from shared.subjects import Subject

LIFETIME = timedelta(hours=2)
"""API Gateway ends every connection then.

https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

MOST_ORDERS = 20
"""As many orders as a connection may watch: a page of them."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A client that is connected, and the ids of the orders that it watches."""

    connection_id: str
    subject: Subject
    expires_at: datetime
    orders: tuple[str, ...] = ()


def connect(connection_id: str, subject: Subject, at: datetime) -> Connection:
    """Returns a connection that begins at `at`, and watches nothing yet."""
    return Connection(connection_id, subject, at + LIFETIME)


def check_room(connection: Connection, order_id: str) -> None:
    """Raises Conflict where the connection watches as many other orders as it may."""
    if order_id not in connection.orders and len(connection.orders) >= MOST_ORDERS:
        raise Conflict(
            f"A connection may watch {MOST_ORDERS} orders.", code="TOO_MANY_SUBSCRIPTIONS"
        )
