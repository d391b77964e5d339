"""Adds the other services' events to the order's log, so that its timeline is complete."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from order import wiring
from shared import batches
from shared.events import PublishedEvent
from shared.logging import logger


def record_events(batch: dict[str, Any], context: LambdaContext) -> Any:
    """Logs a batch of events from the queue; returns what `shared.batches.handle` does.

    An event that comes twice is dropped by its id.
    """
    return batches.handle(batch, _record, context)


def _record(event: PublishedEvent) -> None:
    wiring.orders().log(event)
    logger.info("event logged", **event.ids)
