"""Keeps the other services' events in the order's log, so that its timeline tells all of it."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from order.repository import OrderRepository
from order.settings import TableSettings
from order.timeline import LoggedEvent
from shared import dynamodb, logging, settings
from shared.logging import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

_orders = OrderRepository(dynamodb.client(), settings.load(TableSettings).table_name)
_processor = BatchProcessor(
    EventType.SQS,
    raise_on_entire_batch_failure=False,
    logger=logger,  # type: ignore[arg-type]  # Powertools' own logger is one in all but name
)


def record_events(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Logs a batch of events from the queue, and reports those that could not be logged.

    Returns `{"batchItemFailures": [{"itemIdentifier": message id}]}`. An event that comes twice is
    dropped by its id.
    """
    logging.bind(context)
    return process_partial_response(event, _record, _processor, context)


def _record(record: "SQSRecord") -> None:
    event = LoggedEvent.from_eventbridge(record.json_body)
    _orders.log(event)
    logger.info(
        "event logged",
        order_id=event.data["order_id"],
        detail_type=event.type,
        correlation_id=event.metadata["correlation_id"],
        trace_id=event.metadata["trace_id"],
    )
