"""Starts the saga of an order whose request died between storing and starting it.

EventBridge delivers every OrderPlaced. Mostly the saga already runs, and the call is refused.
"""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from order import wiring
from shared import logging
from shared.events import PublishedEvent
from shared.logging import logger


def start_saga(event: Mapping[str, Any], context: LambdaContext) -> None:
    """Starts the order's saga where it has not been started, and the order still needs it.

    An event may come again long after its order has ended, when Step Functions may no longer know
    the execution's name. To run the saga of an ended order again could undo what is settled, or
    parked for an operator. An open order whose execution is unknown has lost its saga: every step
    is idempotent, so a new execution continues where the old one stopped.

    The payment token comes from the order's row; the event does not carry it. Raises NotFound and
    SagaNotStarted: Lambda then retries, and in the end sends the event to the dead-letter queue.
    """
    placed = PublishedEvent.from_eventbridge(event)
    order_id = placed.data["order_id"]
    logging.bind(
        context,
        order_id=order_id,
        correlation_id=placed.metadata["correlation_id"],
        trace_id=placed.metadata["trace_id"],
    )
    order = wiring.orders().get(order_id)
    if not order.status.is_open:
        logger.info("order has ended", status=order.status)
        return
    wiring.sagas().start(order)
    logger.info("saga is started", execution=order.execution)
