"""The store's dead-letter queues, and for each the way back for what is in it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sagashop_cli.aws import Deployment
from sagashop_cli.errors import UnknownQueue


@dataclass(frozen=True)
class ToQueue:
    """Back into the queue from which its consumer takes; by the queue's logical id."""

    queue: str


@dataclass(frozen=True)
class ToFunction:
    """Into the function that failed; by its logical id without `Function`.

    None: the queue has the letters of several functions, and each letter says of which it is.
    """

    function: str | None


@dataclass(frozen=True)
class ToRelay:
    """The stream's records, read again, into the relay that failed to publish them."""

    function: str


type Route = ToQueue | ToFunction | ToRelay

ROUTES: Mapping[str, Route] = {
    "StartSaga": ToFunction("StartSaga"),
    "RecordEvent": ToQueue("RecordEventQueue"),
    "Notification": ToQueue("NotificationQueue"),
    "OrderRelay": ToRelay("OrderRelay"),
    "InventoryRelay": ToRelay("InventoryRelay"),
    "PaymentRelay": ToRelay("PaymentRelay"),
    "ShippingRelay": ToRelay("ShippingRelay"),
    "Sweep": ToFunction(None),
}


@dataclass(frozen=True)
class DeadLetterQueue:
    """One dead-letter queue of a store: its name as in stack.json, its address, the way back."""

    name: str
    url: str
    route: Route


def dead_letter_queues(deployment: Deployment) -> list[DeadLetterQueue]:
    """Returns all of a store's dead-letter queues, by name."""
    return [
        DeadLetterQueue(name, url, ROUTES[name])
        for name, url in sorted(deployment.stack.dead_letter_queues.items())
    ]


def find_queue(deployment: Deployment, name: str) -> DeadLetterQueue:
    """Returns the queue that the user means, in any case; raises UnknownQueue."""
    queues = dead_letter_queues(deployment)
    for queue in queues:
        if queue.name.lower() == name.lower():
            return queue
    raise UnknownQueue(name, [queue.name for queue in queues])
