"""Takes the order service's events from the queue and tells whom they concern.

The queue keeps the order apart from its mail: a message that can't be sent is delivered again, in
the end to the dead-letter queue, and the order knows nothing of it.

Metrics (dimensions `service` and `event`, one count a delivery): `NotificationSent`;
`NotificationFailed`, the delivery comes again.
"""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from notification import api, service
from notification.customers import CustomersOfOrders
from notification.mailer import ChaoticMailer, SesMailer
from notification.repository import NotificationTable
from notification.service import Outcome
from notification.settings import SETTINGS
from shared import chaos, clock, dynamodb, logging
from shared.logging import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

_notifications = NotificationTable(dynamodb.client(), SETTINGS.table_name)
_customers = CustomersOfOrders(SETTINGS.order_queries_function)
# The one line to change for another mail service.
_mailer = ChaoticMailer(SesMailer(SETTINGS.notification_sender), chaos.read)
_processor = BatchProcessor(
    EventType.SQS,
    raise_on_entire_batch_failure=False,
    logger=logger,  # type: ignore[arg-type]  # Powertools' own logger is one in all but name
)
_metrics = Metrics()


def handler(event: dict[str, Any], context: "LambdaContext") -> Any:
    """Handles a batch of events from the queue, and reports those that have to come again.

    Returns `{"batchItemFailures": [{"itemIdentifier": message id}]}`. An event that comes twice is
    dropped by its id. A request from API Gateway is answered by the service's API.
    """
    if "httpMethod" in event:
        return api.handler(event, context)
    logging.bind(context)
    return process_partial_response(event, _notify, _processor, context)


def _notify(record: "SQSRecord") -> None:
    event = record.json_body
    event_type, detail = event["detail-type"], event["detail"]
    metadata, data = detail["metadata"], detail["data"]
    ids = {
        "order_id": data["order_id"],
        "detail_type": event_type,
        "event_id": metadata["event_id"],
        "correlation_id": metadata["correlation_id"],
        "trace_id": metadata["trace_id"],
    }
    try:
        outcome = service.notify(
            _notifications,
            _customers,
            _mailer,
            event_id=metadata["event_id"],
            event_type=event_type,
            data=data,
            operator_email=SETTINGS.operator_email,
            storefront_url=SETTINGS.storefront_url,
            now=clock.now,
        )
    except Exception as exc:
        logger.warning("notification failed", error=type(exc).__name__, reason=str(exc), **ids)
        _count("NotificationFailed", event_type)
        raise
    logger.info(outcome.value, **ids)
    if outcome is Outcome.SENT:
        _count("NotificationSent", event_type)


def _count(metric: str, event_type: str) -> None:
    _metrics.add_dimension("event", event_type)
    _metrics.add_metric(metric, MetricUnit.Count, 1)
    _metrics.flush_metrics()
