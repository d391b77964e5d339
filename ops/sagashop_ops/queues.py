"""The store's dead-letter queues, and where the letters of each are processed again."""

from collections.abc import Mapping
from dataclasses import dataclass

from sagashop_ops.aws import Deployment
from sagashop_ops.errors import UnknownName

# The logical id of the queue or function that processes a dead-letter queue's letters again.
# Several functions share the sweepers' queue: each of its letters names its function.
ROUTES: Mapping[str, str | None] = {
    "StartSaga": "StartSagaFunction",
    "RecordEvent": "RecordEventQueue",
    "Notification": "NotificationQueue",
    "Relay": "RelayFunction",
    "Sweep": None,
}


@dataclass(frozen=True)
class DeadLetterQueue:
    """One dead-letter queue of a store, by its name in stack.json."""

    name: str
    url: str

    @property
    def source_queue(self) -> str | None:
        """The logical id of the queue that the letters came from, if they came from one."""
        route = ROUTES.get(self.name)
        return route if route and route.endswith("Queue") else None

    @property
    def function(self) -> str | None:
        """The name of the function that failed, if all letters are of one."""
        route = ROUTES.get(self.name)
        return route.removesuffix("Function") if route and route.endswith("Function") else None


def dead_letter_queues(deployment: Deployment) -> list[DeadLetterQueue]:
    """Returns all of a store's dead-letter queues, by name."""
    queues = deployment.stack.dead_letter_queues
    return [DeadLetterQueue(name, url) for name, url in sorted(queues.items())]


def find_queue(deployment: Deployment, name: str) -> DeadLetterQueue:
    """Returns the queue that the user means, in any case; raises UnknownName."""
    queues = dead_letter_queues(deployment)
    for queue in queues:
        if queue.name.lower() == name.lower():
            return queue
    raise UnknownName("dead-letter queue", name, [queue.name for queue in queues])
