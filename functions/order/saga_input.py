"""The input of an order's saga. Pure."""

import json
import math
from dataclasses import asdict
from datetime import datetime

from order.domain import Order, items_of, turned_back_by


def execution_input(order: Order, payment_wait_seconds: int, at: datetime) -> str:
    """Returns the saga's input. All keys are always there, since a state may read any of them.

    `payment_wait_seconds` is the time to pay of an order without one of its own. An execution that
    starts during the payment window waits for the rest of it.
    """
    failure = turned_back_by(order)
    payment_wait_seconds = order.payment_wait_seconds or payment_wait_seconds
    if order.payment_window is not None:
        left = (order.payment_window.due_at - at).total_seconds()
        payment_wait_seconds = max(1, math.ceil(left))
    return json.dumps(
        {
            "task": {
                "order_id": order.order_id,
                "correlation_id": order.correlation_id,
                "trace_id": order.trace_id,
                "execution": order.execution,
                "sequence": order.version,
            },
            "items": items_of(order),
            "shipping_address": order.shipping_address and asdict(order.shipping_address),
            "payment": {"token": order.payment_token},
            "payment_wait_seconds": payment_wait_seconds,
            "failure": failure and {"Error": failure.error, "Cause": failure.cause},
        }
    )
