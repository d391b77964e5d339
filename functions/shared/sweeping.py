"""Finds what a service still holds for an order that has ended, and undoes it.

The saga does that itself, unless something unforeseen happened: somebody stopped an execution, or
a step arrived after the end. So each service marks every row that it writes as `unsettled`, and a
sweep removes the mark once the order has ended and the row agrees with it. The saga's own
compensation undoes a row that disagrees, and sets the mark again for the next sweep.

A sweep never undoes the row of an order that is unknown. Every order is written before its rows, so
somebody lost it: the order table may be an old copy. Only a person can find out.

Metrics (dimension `service`, one point each a sweep): `SweepFound`, rows that disagreed;
`SweepRepaired`, those of them that were undone; `SweepFailed`, those that were not, the unreadable
ones, those of unknown orders, and those whose check raised an unexpected error; `SweepBehind`, 1
where the time was up before all rows were checked. A failure that the next sweep repeats requires a
person.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared import clock, ids, logging, queries, settings
from shared.errors import TransientError
from shared.events import Origin
from shared.logging import logger
from shared.rounds import Round
from shared.storage import Row, Table, Unreadable
from shared.tasks import Task

type AskStatuses = Callable[[Sequence[str]], Mapping[str, str]]

EXECUTION = "sweeper"
"""The execution's name in the log and in the events of an undo."""

_ORDERS_A_QUESTION = 100
_COMPLETED = "COMPLETED"
_ENDED = frozenset({_COMPLETED, "CANCELLED"})

_metrics = Metrics()


@dataclass(slots=True)
class Report:
    """The result of one sweep; `behind` tells that the time was up before all rows were checked."""

    service: str
    looked_at: int = 0
    settled: int = 0
    found: int = 0
    failed: int = 0
    behind: bool = False
    repaired: list[dict[str, str]] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)

    def leave(self, order_id: str, what: str) -> None:
        """Reports a row to which nothing was done, and why."""
        self.left.append({"order_id": order_id, "what": what})

    def fail(self, order_id: str, what: str) -> None:
        """Reports a row that the sweep could not settle and should have."""
        self.failed += 1
        self.leave(order_id, what)

    def answer(self) -> dict[str, Any]:
        """Returns `{"service", "looked_at", "settled", "repaired", "left", "behind"}`.

        `repaired` and `left` are lists of `{"order_id", "what"}`.
        """
        return {
            "service": self.service,
            "looked_at": self.looked_at,
            "settled": self.settled,
            "repaired": self.repaired,
            "left": self.left,
            "behind": self.behind,
        }


@dataclass(frozen=True)
class _Settings:
    order_queries_function: str
    sweep_grace_seconds: float = 300


@dataclass(frozen=True, slots=True)
class Sweeper[R: Row]:
    """How one service sweeps: what it holds for an order, and how to undo that.

    `held` are the statuses that a cancelled order must not leave behind, `kept` those that belong
    to a completed order. `undo` is the saga's own compensation.
    """

    service: str
    repository: Table[R]
    held: AbstractSet[str]
    kept: AbstractSet[str]
    undo: Callable[[Task, datetime], object]

    def handler(self, payload: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The Lambda handler; returns `Report.answer`.

        `{"grace_seconds": n}` replaces the setting: the sweep skips rows written in the last n
        seconds. A schedule's event doesn't have it.
        """
        configured = settings.load(_Settings)
        grace = payload.get("grace_seconds", configured.sweep_grace_seconds)
        at = clock.now()
        origin = Origin(
            correlation_id=ids.new_id("swp", at),
            causation_id=context.aws_request_id,
            trace_id=settings.trace_id(),
        )
        logging.bind(
            context,
            step=EXECUTION,
            correlation_id=origin.correlation_id,
            trace_id=origin.trace_id,
        )

        def ask(order_ids: Sequence[str]) -> Mapping[str, str]:
            question = {"query": "order_statuses", "order_ids": list(order_ids)}
            answer = queries.ask(configured.order_queries_function, question)
            statuses: Mapping[str, str] = answer["statuses"]
            return statuses

        report = self.sweep(ask, origin, at, timedelta(seconds=grace))
        logger.info(
            "swept",
            looked_at=report.looked_at,
            settled=report.settled,
            found=report.found,
            repaired=len(report.repaired),
            failed=report.failed,
            behind=report.behind,
        )
        _metrics.add_metric("SweepFound", MetricUnit.Count, report.found)
        _metrics.add_metric("SweepRepaired", MetricUnit.Count, len(report.repaired))
        _metrics.add_metric("SweepFailed", MetricUnit.Count, report.failed)
        _metrics.add_metric("SweepBehind", MetricUnit.Count, report.behind)
        _metrics.flush_metrics()
        return report.answer()

    def sweep(self, ask: AskStatuses, origin: Origin, at: datetime, grace: timedelta) -> Report:
        """Checks all rows unchanged for `grace` against their orders, the oldest first.

        Starts where the last sweep ran out of time. One row's failure is reported and does not stop
        the sweep.
        """
        report = Report(self.service)
        tour = Round(self.repository)
        rows = self.repository.unsettled(at - grace, tour.start)
        for row, status in _with_statuses(rows, ask):
            if tour.is_over():
                break
            report.looked_at += 1
            if isinstance(row, Unreadable):
                report.fail(row.order_id, f"unreadable: {row.error}")
            else:
                self._check(row, status, origin, at, report)
            tour.passed(row)
        report.behind = tour.close()
        return report

    def _check(
        self, row: R, status: str | None, origin: Origin, at: datetime, report: Report
    ) -> None:
        known: dict[str, Any] = {"order_id": row.order_id, "order_status": status}
        disagrees = False
        try:
            if status is None:
                # Not a reason to undo anything: the order table may be an old copy.
                logger.error("order is unknown", row_status=row.status, **known)
                report.fail(row.order_id, f"{row.status} of an order that is unknown")
                return
            if status not in _ENDED:
                report.leave(row.order_id, f"its order is {status}")
                return
            if not self._agrees(row, status):
                # The index may lag behind the table, so read the table.
                row = self.repository.find(row.order_id) or row
            if self._agrees(row, status):
                self.repository.settle(row)
                report.settled += 1
                return
            disagrees = True
            report.found += 1
            what = f"{row.status} of an order that is {status}"
            if status == _COMPLETED:
                # Something is missing, and there is nothing to undo: only a person can find out
                # why.
                logger.error("row not repaired", what=what, **known)
                report.fail(row.order_id, what)
                return
            self.undo(Task(row.order_id, EXECUTION, origin), at)
        except TransientError as exc:
            logger.warning("row deferred", error=type(exc).__name__, reason=str(exc), **known)
            report.failed += disagrees
            report.leave(row.order_id, type(exc).__name__)
        except Exception as exc:
            # A bug that shows in one row must not keep the sweep from the rows after it.
            logger.exception("row failed", error=type(exc).__name__, **known)
            report.fail(row.order_id, type(exc).__name__)
        else:
            logger.info("row repaired", what=what, **known)
            report.repaired.append({"order_id": row.order_id, "what": what})

    def _agrees(self, row: R, status: str) -> bool:
        return row.status in self.kept if status == _COMPLETED else row.status not in self.held


def _with_statuses[R: Row](
    rows: Iterator[R | Unreadable], ask: AskStatuses
) -> Iterator[tuple[R | Unreadable, str | None]]:
    """Yields each row with its order's status, None for an order that is unknown."""
    for batch in itertools.batched(rows, _ORDERS_A_QUESTION):
        statuses = ask([row.order_id for row in batch])
        for row in batch:
            yield row, statuses.get(row.order_id)
