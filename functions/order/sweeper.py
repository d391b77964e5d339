"""Finds orders that make no progress, and restarts their sagas.

A saga may have failed to start, or have died, or its engine may have forgotten it. In each case the
sweeper starts it again: every step is idempotent. Parked orders are left to the operators. ADR 0013
describes how the other services sweep.

It also erases the personal data of orders that have ended since their customer's account was
deleted: see `order.erasure`.

Metrics (dimension `service`): the gauges `OpenOrders`, `ParkedOrders` and `OldestOpenOrderSeconds`,
and the counts `SweepRepaired`, `SweepFailed` (orders that are unreadable or stuck, or whose check
raised an unexpected error) and `SweepBehind` (1 where the time was up before all orders were
checked).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from order import erasure, execution, payment_window, service, wiring
from order.domain import SERVICE, Change, Order, Status
from order.execution import SagaNotStarted, SagaUnreachable
from order.redrive import SWEEPER, redrive
from shared import clock, ids, logging
from shared.errors import Conflict, StorageContention
from shared.events import Origin
from shared.logging import logger
from shared.rounds import Round
from shared.storage import Unreadable, position_of

MAX_SWEEPS = 3
"""How often the sweeper redrives an order before it reports the order as stuck."""

_metrics = Metrics()


@dataclass(slots=True)
class _Sweep:
    """One run of the sweeper, and its results so far."""

    origin: Origin
    at: datetime
    failed: int = 0
    repaired: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)

    def look_at(self, order: Order | Unreadable) -> None:
        """Restarts the order's saga if it does not run; records what was done or why not."""
        order_id = order.order_id
        if isinstance(order, Unreadable):
            self._fail(order_id, f"unreadable: {order.error}")
            return
        try:
            self._repair(wiring.orders().get(order_id))
        except (SagaUnreachable, SagaNotStarted, StorageContention) as exc:
            logger.warning("order not repaired", order_id=order_id, exc_info=True)
            self._leave(order_id, type(exc).__name__)
        except Conflict as refusal:
            # Another writer was faster: the order has ended, or its saga runs again.
            logger.info("order needs nothing any more", order_id=order_id, code=refusal.code)
        except Exception as exc:
            # A bug that shows in one order must not keep the sweep from the orders after it.
            logger.exception("order failed", order_id=order_id, error=type(exc).__name__)
            self._fail(order_id, type(exc).__name__)

    def _repair(self, order: Order) -> None:
        if order.is_to_be_anonymized and order.status.is_final:
            service.change(wiring.orders(), order.order_id, self._anonymize)
            self._repaired(order, "anonymized")
            return
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
            self._fail(order.order_id, "stuck")
        else:
            reason = f"the execution is {state} and the order {order.status}"
            origin = Origin(order.correlation_id, self.origin.causation_id, order.trace_id)
            order = redrive(order.order_id, SWEEPER, reason, origin, self.at)
            self._repaired(order, "redriven")

    def _anonymize(self, order: Order) -> Change:
        origin = Origin(order.correlation_id, self.origin.causation_id, order.trace_id)
        return erasure.anonymize(order, origin, self.at)

    def erase(self, is_over: Callable[[], bool]) -> None:
        """Goes on erasing the orders of deleted accounts."""
        erased, failed = erasure.continue_erasures(wiring.orders(), self.origin, self.at, is_over)
        for order_id in failed:
            self._fail(order_id, "not erased")
        if erased:
            logger.info("orders of deleted accounts erased", orders=erased)

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

    def _fail(self, order_id: str, what: str) -> None:
        self.failed += 1
        self._leave(order_id, what)

    def _leave(self, order_id: str, what: str) -> None:
        self.left.append({"order_id": order_id, "what": what})


def sweep(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Checks all orders unchanged for `grace_seconds`, which the event or the settings give.

    Returns `{"service", "looked_at", "repaired", "left", "behind", "parked",
    "oldest_open_seconds"}`. `repaired` (`started`, `woken`, `redriven` or `anonymized`) and `left`
    are lists of `{"order_id", "what"}`; an order that is `stuck` was redriven MAX_SWEEPS times
    without success. `behind` is true where the time was up before all orders were checked: the next
    sweep continues there. An unreadable order is not among the figures of open and parked ones.
    """
    at = clock.now()
    run = _Sweep(Origin(ids.new_id("swp", at), context.aws_request_id), at)
    logging.bind(context, sweep=run.origin.correlation_id)
    marked = sorted(wiring.orders().unsettled(), key=position_of)
    unsettled = [order for order in marked if not isinstance(order, Unreadable)]
    latest = clock.to_iso(
        at - timedelta(seconds=event.get("grace_seconds", wiring.settings().sweep_grace_seconds))
    )
    tour = Round(wiring.orders())
    looked_at = 0
    for order in marked:
        if position_of(order).updated_at > latest or not tour.is_ahead(order):
            continue
        if not isinstance(order, Unreadable) and order.is_parked:
            continue
        if tour.is_over():
            break
        run.look_at(order)
        tour.passed(order)
        looked_at += 1
    run.erase(tour.is_over)
    is_behind = tour.close()
    parked = sum(order.is_parked for order in unsettled)
    ages = [at - order.created_at for order in unsettled if order.status.is_open]
    oldest_open_seconds = int(max(ages, default=timedelta()).total_seconds())
    _metrics.add_metric("OpenOrders", MetricUnit.Count, len(ages))
    _metrics.add_metric("ParkedOrders", MetricUnit.Count, parked)
    _metrics.add_metric("OldestOpenOrderSeconds", MetricUnit.Seconds, oldest_open_seconds)
    _metrics.add_metric("SweepRepaired", MetricUnit.Count, len(run.repaired))
    _metrics.add_metric("SweepFailed", MetricUnit.Count, run.failed)
    _metrics.add_metric("SweepBehind", MetricUnit.Count, is_behind)
    _metrics.flush_metrics()
    logger.info(
        "orders swept",
        looked_at=looked_at,
        repaired=len(run.repaired),
        left=run.left,
        behind=is_behind,
    )
    return {
        "service": SERVICE,
        "looked_at": looked_at,
        "repaired": run.repaired,
        "left": run.left,
        "behind": is_behind,
        "parked": parked,
        "oldest_open_seconds": oldest_open_seconds,
    }
