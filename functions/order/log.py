"""Takes the other services' events: adds an order's to its log, so that its timeline is complete,
and erases a deleted account's orders.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from order import erasure, wiring
from shared import batches, clock
from shared.events import PublishedEvent
from shared.logging import logger


def record_events(batch: dict[str, Any], context: LambdaContext) -> Any:
    """Handles a batch of events from the queue; returns what `shared.batches.handle` does.

    An event that comes twice is dropped by its id.
    """
    return batches.handle(batch, _record, context)


def _record(event: PublishedEvent) -> None:
    if event.type == "AccountDeleted":
        erasure.close_account(event, wiring.orders(), clock.now())
    elif "order_id" in event.data:
        wiring.orders().log(event)
        logger.info("event logged", **event.ids)
