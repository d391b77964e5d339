"""Handles batches of events from a queue, each on its own: one that fails holds up no other."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.events import PublishedEvent
from shared.logging import bind, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

_processor = BatchProcessor(
    EventType.SQS,
    raise_on_entire_batch_failure=False,
    logger=logger,  # type: ignore[arg-type]  # Powertools' own logger is one in all but name
)


def handle(
    batch: dict[str, Any], handle_event: Callable[[PublishedEvent], None], context: LambdaContext
) -> Any:
    """Hands each of SQS's messages, an event of EventBridge's, to `handle_event`.

    Returns `{"batchItemFailures": [{"itemIdentifier": message id}]}` with those for which it
    raised, or that are no event: SQS delivers them again.
    """

    def handle_record(record: "SQSRecord") -> None:
        handle_event(PublishedEvent.from_eventbridge(record.json_body))

    bind(context)
    return process_partial_response(batch, handle_record, _processor, context)
