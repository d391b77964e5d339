"""Clients that keep what they are sent, and an order service with a few orders."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from realtime.orders import OrderState
from shared.errors import ServiceBusy
from support.event_schemas import validate


@dataclass
class FakeClients:
    """A `Clients`. Whoever is in `gone` has left; sending to whoever is in `failing` fails."""

    heard: defaultdict[str, list[Mapping[str, Any]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    gone: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    disconnected: list[str] = field(default_factory=list)

    def send(self, connection_id: str, message: str) -> bool:
        """See `Clients.send`; the message has to be what its schema says."""
        if connection_id in self.failing:
            raise ConnectionError(connection_id)
        if connection_id in self.gone:
            return False
        parsed = json.loads(message)
        validate("websocket/order", parsed)
        self.heard[connection_id].append(parsed)
        return True

    def disconnect(self, connection_id: str) -> None:
        """See `Clients.disconnect`."""
        self.disconnected.append(connection_id)


@dataclass
class FakeOrders:
    """An `Orders`."""

    states: dict[str, OrderState] = field(default_factory=dict)
    is_busy: bool = False
    asked: int = 0

    def find(self, order_id: str) -> OrderState | None:
        """See `Orders.find`."""
        self.asked += 1
        if self.is_busy:
            raise ServiceBusy("The order could not be read.")
        return self.states.get(order_id)
