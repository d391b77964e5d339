"""The store's dead-letter queues, and where the letters of each are processed again."""

from collections.abc import Mapping
from dataclasses import dataclass

from sagashop_ops.aws import Deployment
from sagashop_ops.errors import find_by_name

# The logical id of the queue, or the name of the function, that processes the letters again.
# Several functions share the sweepers' queue: each of its letters names its function.
ROUTES: Mapping[str, str | None] = {
    "StartSaga": "StartSaga",
    "RecordEvent": "RecordEventQueue",
    "Notification": "NotificationQueue",
    "Update": "UpdateQueue",
    "EraseAddress": "EraseAddressQueue",
    "Relay": "Relay",
    "Sweep": None,
}


@dataclass(frozen=True)
class DeadLetterQueue:
    """One dead-letter queue of a store, by its name in stack.json."""

    name: str
    url: str


def dead_letter_queues(deployment: Deployment) -> list[DeadLetterQueue]:
    """Returns all of a store's dead-letter queues, by name."""
    queues = deployment.stack.dead_letter_queues
    return [DeadLetterQueue(name, url) for name, url in sorted(queues.items())]


def find_queue(deployment: Deployment, name: str) -> DeadLetterQueue:
    """Returns the queue that the user means, in any case; raises UnknownName."""
    queues = {queue.name: queue for queue in dead_letter_queues(deployment)}
    return find_by_name("dead-letter queue", name, queues)
