"""Takes OrderAnonymized from the queue, and erases the address of that order's shipment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared import batches, clock
from shared.events import PublishedEvent
from shared.logging import logger
from shipping import service, wiring


def handler(batch: dict[str, Any], context: LambdaContext) -> Any:
    """Handles a batch of events from the queue; returns what `shared.batches.handle` does."""
    return batches.handle(batch, _erase, context)


def _erase(event: PublishedEvent) -> None:
    service.erase_address(wiring.repository(), event.data["order_id"], clock.now())
    logger.info("address erased", **event.ids)
