"""The input of an order's saga, and the name of its execution. Pure.

The name of an order's first execution is the order's id, that of the n-th redrive `<order
id>-r<n>`. A name can be used once, so an execution that is started twice runs once.
"""

import json
from dataclasses import asdict, dataclass

from order.domain import COMPENSATIONS, Failure, Order, Refund, Status, items_of


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where an execution resumes: at a compensation, with what is known by then.

    `resume_at` is None where it starts at the first step, when nothing has failed yet.
    """

    resume_at: str | None = None
    failure: Failure | None = None
    refund: Refund | None = None


def execution_name(order: Order) -> str:
    return name_of(order.order_id, order.redrives)


def name_of(order_id: str, redrives: int) -> str:
    """Returns the name of the execution after so many redrives."""
    return order_id if redrives == 0 else f"{order_id}-r{redrives}"


def resumption(order: Order) -> Resumption:
    """Returns where the order's saga resumes.

    A parked order resumes at the compensation that got stuck. A cancelled one is undone as a whole,
    because an earlier execution may have done anything; undoing what never happened is harmless.
    """
    if order.parked is not None:
        return Resumption(order.parked.compensation, order.parked.failure, order.parked.refund)
    if order.status is Status.NEEDS_ATTENTION:
        return Resumption(COMPENSATIONS[0], Failure("SagaLost", "parked without a note"))
    if order.cancel_requested_at is not None:
        return Resumption(COMPENSATIONS[0], Failure("CancelledByCustomer", ""))
    return Resumption()


def execution_input(order: Order, payment_wait_seconds: int) -> str:
    """Returns the saga's input. All keys are always there, since a state may read any of them."""
    resume = resumption(order)
    failure = resume.failure
    return json.dumps(
        {
            "task": {
                "order_id": order.order_id,
                "correlation_id": order.correlation_id,
                "trace_id": order.trace_id,
                "execution": execution_name(order),
            },
            "items": items_of(order),
            "shipping_address": asdict(order.shipping_address),
            "payment": {"token": order.payment_token},
            "payment_wait_seconds": payment_wait_seconds,
            "resume_at": resume.resume_at,
            "failure": failure and {"Error": failure.error, "Cause": failure.cause},
            "refund": resume.refund and asdict(resume.refund),
        }
    )
