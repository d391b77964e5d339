"""Takes the order service's events from the queue, and notifies the customer or the operator.

The queue decouples the order from its mail: a message that can't be sent is delivered again, in the
end to the dead-letter queue, and the order is not affected.

Metrics (dimensions `service` and `event`, one count a delivery): `NotificationSent`;
`NotificationSkipped`, the message was out of date or had nobody to go to; `NotificationFailed`, the
delivery comes again.
"""

from functools import partial
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from notification import customers, service, wiring
from notification.service import Outcome
from shared import batches, clock
from shared.events import PublishedEvent
from shared.http import ServiceApi
from shared.logging import logger

# Its only route is the health check.
api = ServiceApi("notification")
_metrics = Metrics()


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Handles a batch of events from the queue; returns what `shared.batches.handle` does.

    An event that comes twice is dropped by its id. A request from API Gateway, recognized by its
    `httpMethod`, is answered by the service's API.
    """
    if "httpMethod" in event:
        return api.handler(event, context)
    return batches.handle(event, _notify, context)


def _notify(event: PublishedEvent) -> None:
    configured = wiring.settings()
    try:
        handled = service.notify(
            event,
            wiring.notifications(),
            partial(customers.find_customer, configured.order_queries_function),
            wiring.mailer(),
            operator_email=configured.operator_email,
            storefront_url=configured.storefront_url,
            now=clock.now,
        )
    except Exception as exc:
        logger.warning(
            "notification failed", error=type(exc).__name__, reason=str(exc), **event.ids
        )
        _count("NotificationFailed", event.type)
        raise
    fields = event.ids if handled.reason is None else {**event.ids, "reason": handled.reason}
    logger.info(handled.outcome.value, **fields)
    match handled.outcome:
        case Outcome.SENT:
            _count("NotificationSent", event.type)
        case Outcome.SKIPPED:
            _count("NotificationSkipped", event.type)


def _count(metric: str, event_type: str) -> None:
    _metrics.add_dimension("event", event_type)
    _metrics.add_metric(metric, MetricUnit.Count, 1)
    _metrics.flush_metrics()
