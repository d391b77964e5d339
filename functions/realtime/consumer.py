"""Takes events from the queue, and tells the clients whom they concern.

Through a queue, so that an event for which something failed is delivered again: the clients that
got their message then get it once more, and drop it by its sequence.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from realtime import wiring
from shared import batches
from shared.events import PublishedEvent
from shared.logging import logger


def handler(batch: dict[str, Any], context: LambdaContext) -> Any:
    """Handles a batch of events from the queue; returns what `shared.batches.handle` does."""
    return batches.handle(batch, _tell, context)


def _tell(event: PublishedEvent) -> None:
    match event.type:
        case "OrderChanged":
            count = wiring.updates().send(event.data["order_id"])
            outcome = "update sent"
        case "AccountDeleted":
            count = wiring.updates().disconnect(event.data["account_id"])
            outcome = "account disconnected"
        case _:
            return
    # Few orders are watched, and nobody needs to know of the others.
    if count:
        logger.info(outcome, clients=count, **event.ids)
