"""Finds orders that make no progress, and restarts their sagas.

A saga may have failed to start, or have died, or its engine may have forgotten it. In each case the
sweeper starts it again: every step is idempotent. Parked orders are left to the operators. ADR 0013
describes how the other services sweep.

Metrics (dimension `service`): the gauges `OpenOrders`, `ParkedOrders` and `OldestOpenOrderSeconds`,
and the count `SweepRepaired`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from order import execution, payment_window, wiring
from order.domain import SERVICE, Order, Status
from order.execution import SagaNotStarted, SagaUnreachable
from order.redrive import SWEEPER, redrive
from shared import clock, ids, logging
from shared.errors import Conflict, StorageContention
from shared.events import Origin
from shared.logging import logger

MAX_SWEEPS = 3
"""How often the sweeper redrives an order before it reports the order as stuck."""

# The function's timeout is a minute. What is left over is the next sweep's.
_BUDGET_SECONDS = 45.0

_metrics = Metrics()


@dataclass(slots=True)
class _Sweep:
    """One run of the sweeper, and its results so far."""

    origin: Origin
    at: datetime
    repaired: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)

    def look_at(self, order_id: str) -> None:
        """Restarts the order's saga if it does not run; records what was done or why not."""
        try:
            self._repair(wiring.orders().get(order_id))
        except (SagaUnreachable, SagaNotStarted, StorageContention) as exc:
            logger.warning("order not repaired", order_id=order_id, exc_info=True)
            self._leave(order_id, type(exc).__name__)
        except Conflict as refusal:
            # Another writer was faster: the order has ended, or its saga runs again.
            logger.info("order needs nothing any more", order_id=order_id, code=refusal.code)

    def _repair(self, order: Order) -> None:
        if order.status.is_final or order.is_parked:
            return
        state = wiring.sagas().state(order)
        if state == "RUNNING":
            self._wake_if_decided(order)
        elif state is None:
            wiring.sagas().start(order)
            self._repaired(order, "started")
        elif order.swept >= MAX_SWEEPS:
            logger.error("order is stuck", order_id=order.order_id, state=state)
            self._leave(order.order_id, "stuck")
        else:
            reason = f"the execution is {state} and the order {order.status}"
            origin = Origin(order.correlation_id, self.origin.causation_id, order.trace_id)
            order = redrive(order.order_id, SWEEPER, reason, origin, self.at)
            self._repaired(order, "redriven")

    def _wake_if_decided(self, order: Order) -> None:
        window = order.payment_window
        if (
            order.status is Status.AWAITING_PAYMENT
            and window is not None
            and payment_window.is_decided(order, self.at)
            and execution.wake(window.task_token)
        ):
            self._repaired(order, "woken")

    def _repaired(self, order: Order, what: str) -> None:
        logger.info(
            "order repaired",
            what=what,
            order_id=order.order_id,
            execution=order.execution,
            correlation_id=order.correlation_id,
            trace_id=order.trace_id,
        )
        self.repaired.append({"order_id": order.order_id, "what": what})

    def _leave(self, order_id: str, what: str) -> None:
        self.left.append({"order_id": order_id, "what": what})


def sweep(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Checks all orders unchanged for `grace_seconds`, which the event or the settings give.

    Returns `{"service", "looked_at", "repaired", "left", "more", "parked", "oldest_open_seconds"}`.
    `repaired` (`started`, `woken` or `redriven`) and `left` are lists of `{"order_id", "what"}`; an
    order that is `stuck` was redriven MAX_SWEEPS times without success. `more` is true where the
    time was up before all orders were checked.
    """
    at = clock.now()
    run = _Sweep(Origin(ids.new_id("swp", at), context.aws_request_id), at)
    logging.bind(context, sweep=run.origin.correlation_id)
    unsettled = list(wiring.orders().unsettled())
    latest = at - timedelta(
        seconds=event.get("grace_seconds", wiring.settings().sweep_grace_seconds)
    )
    due = [order for order in unsettled if order.updated_at <= latest and not order.is_parked]
    started = time.monotonic()
    looked_at = 0
    for order in due:
        if time.monotonic() - started > _BUDGET_SECONDS:
            break
        run.look_at(order.order_id)
        looked_at += 1
    parked = sum(order.is_parked for order in unsettled)
    ages = [at - order.created_at for order in unsettled if order.status.is_open]
    oldest_open_seconds = int(max(ages, default=timedelta()).total_seconds())
    _metrics.add_metric("OpenOrders", MetricUnit.Count, len(unsettled) - parked)
    _metrics.add_metric("ParkedOrders", MetricUnit.Count, parked)
    _metrics.add_metric("OldestOpenOrderSeconds", MetricUnit.Seconds, oldest_open_seconds)
    _metrics.add_metric("SweepRepaired", MetricUnit.Count, len(run.repaired))
    _metrics.flush_metrics()
    logger.info("orders swept", looked_at=looked_at, repaired=len(run.repaired), left=run.left)
    return {
        "service": SERVICE,
        "looked_at": looked_at,
        "repaired": run.repaired,
        "left": run.left,
        "more": looked_at < len(due),
        "parked": parked,
        "oldest_open_seconds": oldest_open_seconds,
    }
