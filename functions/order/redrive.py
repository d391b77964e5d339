"""Redrives an order whose saga gave up or died: records who asked and why, and starts it again.

ADR 0012 explains why this is a new execution. The redrive's count and event are written together;
the start comes after them, and the sweeper repeats one that is lost.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from order import domain, service, wiring
from order.domain import Change, Failure, Order, Status
from shared.errors import Conflict
from shared.events import Origin
from shared.logging import logger

SWEEPER = "sweeper"
# An execution that does not exist may be about to be started by the last writer of the order.
_STARTING = timedelta(seconds=10)
# Only an order that was parked by release 0.1.0 has no cause.
_UNKNOWN_CAUSE = Failure("SagaLost", "parked without a note")


def count_redrive(order: Order, operator: str, reason: str, origin: Origin, at: datetime) -> Change:
    """Makes the order's next execution its current one; raises Conflict where it has ended.

    An order that was parked is then being cancelled again.
    """
    if order.status.is_final:
        raise Conflict(f"The order is {order.status}.", code="ORDER_HAS_ENDED")
    swept = order.swept + 1 if operator == SWEEPER else 0
    counted = domain.changed(order, at, redrives=order.redrives + 1, swept=swept)
    if order.is_parked:
        failure = order.failure or _UNKNOWN_CAUSE
        counted = replace(counted, status=Status.CANCELLING, failure=failure, parked=None)
    data = {"operator": operator, "reason": reason, "resume_at": domain.resumes_at(counted)}
    return Change(counted, domain.event(counted, "OrderRedriven", origin, data, counted.redrives))


def redrive(order_id: str, operator: str, reason: str, origin: Origin, at: datetime) -> Order:
    """Redrives an order and returns it as it is then.

    Raises NotFound, Conflict where its saga runs or it has ended, StorageContention where others
    kept changing it, and SagaUnreachable. After the last two, the redrive may have been recorded by
    an attempt whose answer was lost; the sweeper then starts it.
    """

    def decide(order: Order) -> Change:
        change = count_redrive(order, operator, reason, origin, at)
        state = wiring.sagas().state(order)
        is_starting = state is None and not order.is_parked and at - order.updated_at < _STARTING
        if state == "RUNNING" or is_starting:
            raise Conflict("The order's saga is running.", code="SAGA_RUNNING")
        return change

    order = service.change(wiring.orders(), order_id, decide)
    logger.info("order redriven", execution=order.execution, operator=operator, reason=reason)
    wiring.sagas().start_or_leave(order)
    return order
