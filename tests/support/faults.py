"""The fault matrix: every task of the saga, and everything that can go wrong with a task.

A `Cell` is one order with one fault. `expected_end` says, from the state machine's own structure,
how its order has to end; `Plays` plays it on a running store and tells how it did end.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import requests

from sagashop_ops.audit import Books, audit
from sagashop_ops.client import Line, StoreClient, order_body
from sagashop_ops.redrive import OperatorApi
from support.outage import environment_of, reconfigured
from support.saga import Saga
from support.saga_definition import compensations, function_of, tasks
from support.template import ROOT, resources
from support.waiting import eventually

type Aws = Callable[[str], Any]

WRAPPER = ROOT / "tests" / "chaos" / "wrapper"
FUNCTION_TIMEOUT_SECONDS = 4
CALLERS = 6
PATIENCE_SECONDS = 240.0
QUANTITY, UNITS = 2, 5


class Fault(StrEnum):
    """What goes wrong with a task; the value is what the wrapper around its function reads."""

    BEFORE = "before"
    AFTER = "after"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    KILLED = "killed"
    TWICE = "twice"

    @property
    def title(self) -> str:
        """Its words in the table."""
        return _TITLES[self]

    @property
    def lasts(self) -> bool:
        """Whether every attempt fails; the others strike once."""
        return self in (Fault.BEFORE, Fault.AFTER)


_TITLES = {
    Fault.BEFORE: "fails before its effect",
    Fault.AFTER: "fails after its effect, before its reply",
    Fault.TIMEOUT: "times out after its effect",
    Fault.THROTTLED: "is throttled",
    Fault.KILLED: "its worker is killed after its effect",
    Fault.TWICE: "is delivered twice",
}


@dataclass(frozen=True)
class Cell:
    """One task, and what goes wrong with it."""

    task: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.task}-{self.fault}"

    @property
    def is_paid_later(self) -> bool:
        """Whether only an order without a payment comes by the task."""
        return self.task in _PAY_LATER

    @property
    def gate(self) -> str | None:
        """The task before this one, which waits while the test throttles this one's function."""
        if self.fault is not Fault.THROTTLED:
            return None
        if self.task == FLAG:
            return "RefundPayment"
        path = [task for task in tasks() if self.is_paid_later or task not in _PAY_LATER]
        place = path.index(self.task)
        return path[place - 1] if place else None

    @property
    def script(self) -> list[tuple[str, str]]:
        """Every fault that the order needs: a compensation needs something to compensate for."""
        script: list[tuple[str, str]] = [(self.task, self.fault)]
        if self.task in (*COMPENSATIONS, FLAG):
            script.append(("CompleteOrder", Fault.BEFORE))
        if self.task == FLAG:
            script.append(("RefundPayment", Fault.BEFORE))
        if self.gate is not None:
            script.append((self.gate, "gate"))
        return script

    @property
    def correlation_id(self) -> str:
        """The script as the wrapper reads it, made unique."""
        parts = [f"{task}.{fault}" for task, fault in self.script]
        return ":".join(["fault", *parts, uuid.uuid4().hex[:8]])


@dataclass(frozen=True)
class End:
    """How an order's first saga ended, who got it going again, and where it ended then."""

    status: str
    execution: str
    repaired_by: str | None
    final: str


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: how it ended, and what the audit has against it, at each end."""

    cell: Cell
    order_id: str
    end: End
    attempts: int
    discrepancies: tuple[str, ...]


FLAG = "FlagForAttention"
OPERATOR, SWEEPER = "an operator's redrive", "the sweeper"
COMPENSATIONS = tuple(compensations())
ASKING = "AwaitPayment"
_PAY_LATER = (ASKING, "ClosePaymentWindow")


def all_cells() -> list[Cell]:
    """Returns the whole matrix, in the order of the state machine's file."""
    return [Cell(task, fault) for task in tasks() for fault in Fault]


def expected_end(cell: Cell) -> End:
    """Returns how a cell's order has to end.

    A fault that strikes once is retried, so the end is the one without it. One that lasts is
    compensated where it strikes a step, and parks the order where it strikes a compensation.
    """
    completed = End("COMPLETED", "SUCCEEDED", None, "COMPLETED")
    cancelled = End("CANCELLED", "SUCCEEDED", None, "CANCELLED")
    parked = End("NEEDS_ATTENTION", "NeedsAttention", OPERATOR, "CANCELLED")
    is_compensation = cell.task in COMPENSATIONS
    match cell:
        case Cell(task, Fault.BEFORE) if task == FLAG:  # found by its dead execution alone
            end = End("PAID", "SagaAbandoned", SWEEPER, "CANCELLED")
        case Cell(task, Fault.AFTER) if task == FLAG:
            end = replace(parked, execution="SagaAbandoned")
        case Cell(task) if task == FLAG:
            end = parked
        case Cell("CancelOrder", Fault.AFTER):  # it is cancelled: only the reply is missing
            end = replace(cancelled, execution="NeedsAttention")
        case Cell(_, fault) if fault.lasts:
            end = parked if is_compensation else cancelled
        case _:
            end = cancelled if is_compensation else completed
    return end


@dataclass(frozen=True)
class Plays:
    """A running store on which cells are played, each with an order and a product of its own."""

    stack: Mapping[str, Any]
    store: StoreClient
    saga: Saga
    aws: Aws
    operator: OperatorApi
    books: Callable[[], Books]
    new_product: Callable[..., str]

    def play_all(self, cells: Collection[Cell], attempts: Path) -> dict[Cell, Outcome | Exception]:
        """Plays the cells, several at a time; those that throttle a function one by one."""
        throttling = [cell for cell in cells if cell.fault is Fault.THROTTLED]
        others = [cell for cell in cells if cell not in throttling]
        needed = {function_of(task) for cell in cells for task, _ in cell.script}
        with self._wrapped(needed, attempts), ThreadPoolExecutor(CALLERS) as callers:

            def play(cell: Cell) -> Outcome | Exception:
                try:
                    return self._play(cell, attempts)
                except Exception as exc:  # the cell's own test raises it
                    return exc

            played = dict(zip(others, callers.map(play, others), strict=True))
            return played | {cell: play(cell) for cell in throttling}

    def _play(self, cell: Cell, attempts: Path) -> Outcome:
        sku = self.new_product(UNITS)
        if cell.fault is Fault.THROTTLED:
            order_id = self._place_throttled(cell, sku, attempts)
        else:
            order_id = self._place(cell, sku)
        if cell.is_paid_later:
            self._pay(cell, order_id)  # The same token again is accepted again.
        execution = self._wait_for_execution(order_id)
        status = self.store.order(order_id)["status"]
        wrong = self._audit(order_id, sku)
        repaired_by = self._repair(order_id, status, execution)
        final = self.store.order(order_id)["status"]
        wrong += self._audit(order_id, sku)
        return Outcome(
            cell,
            order_id,
            End(status, execution, repaired_by, final),
            self._attempts(order_id, cell.task),
            tuple(dict.fromkeys(wrong)),
        )

    def _place(self, cell: Cell, sku: str) -> str:
        """Places the cell's order."""
        token = None if cell.is_paid_later else "tok_visa"
        response = requests.post(
            f"{self.stack['api_url']}/orders",
            json=order_body([Line(sku, QUANTITY)], token),
            headers={"X-Correlation-Id": cell.correlation_id},
            timeout=35,
        )
        response.raise_for_status()
        order_id: str = response.json()["order_id"]
        return order_id

    def _place_throttled(self, cell: Cell, sku: str, attempts: Path) -> str:
        """Places the cell's order; its task's function refuses that one task, once.

        The function runs other tasks of the order too, so the task before waits at a gate until
        the function is throttled.
        """
        with ExitStack() as throttled:
            if cell.gate is None:
                throttled.enter_context(self._throttled(cell.task))
                order_id = self._place(cell, sku)
            else:
                order_id = self._place(cell, sku)
                gate = attempts / f"{order_id}.{cell.gate}"
                eventually(gate.exists, timeout=PATIENCE_SECONDS, every=0.02)
                throttled.enter_context(self._throttled(cell.task))
                gate.with_suffix(".open").touch()
            if cell.gate == ASKING:
                self._pay(cell, order_id)
            eventually(
                lambda: self.saga.failures(order_id),
                until=lambda errors: "Lambda.TooManyRequestsException" in errors,
            )
        return order_id

    def _pay(self, cell: Cell, order_id: str) -> None:
        """Pays as soon as the order waits for it."""
        order = self.store.wait_for(order_id, {"AWAITING_PAYMENT"}, PATIENCE_SECONDS)
        if order["status"] == "AWAITING_PAYMENT":
            answer = self.store.pay(order_id, "tok_visa")
            # Where asking for the payment is what fails, the order may be on its way back.
            assert answer.status_code == 202 or cell.fault.lasts, answer.text

    def _repair(self, order_id: str, status: str, execution: str) -> str | None:
        """Gets an order going again that its saga has left; returns who did."""
        if status == "NEEDS_ATTENTION":
            redriven = self.operator.redrive(order_id, "the fault matrix", "the fault is fixed")
            self._wait_for_execution(redriven.execution)
            return OPERATOR
        if status not in ("COMPLETED", "CANCELLED"):
            self.aws("lambda").invoke(
                FunctionName=self.saga.physical_name("SweepOrders"),
                Payload=b'{"grace_seconds": 0}',
            )
            self._wait_for_execution(f"{order_id}-r1")
            return SWEEPER
        return None

    def _wait_for_execution(self, name: str) -> str:
        """Waits for an execution's end; returns SUCCEEDED, or the error that it failed with."""
        description = eventually(
            lambda: self.saga.execution(name),
            until=lambda execution: execution["status"] != "RUNNING",
            timeout=PATIENCE_SECONDS,
            every=0.3,
        )
        return str(description.get("error") or description["status"])

    def _attempts(self, order_id: str, task: str) -> int:
        """Counts how often the order's first execution had a task's function called."""
        machine = self.stack["state_machine_arn"].replace(":stateMachine:", ":execution:")
        pages = (
            self.aws("stepfunctions")
            .get_paginator("get_execution_history")
            .paginate(executionArn=f"{machine}:{order_id}")
        )
        state, attempts = None, 0
        for page in pages:
            for event in page["events"]:
                entered = event.get("stateEnteredEventDetails")
                state = entered["name"] if entered else state
                attempts += state == task and event["type"] == "TaskScheduled"
        return attempts

    def _audit(self, order_id: str, sku: str) -> list[str]:
        """Audits the order's own rows: its product is nobody else's, so they must add up alone."""
        everything = self.books()
        own = {"products": sku}
        part = Books(
            **{
                field.name: {
                    key: row
                    for key, row in getattr(everything, field.name).items()
                    if key == own.get(field.name, order_id)
                }
                for field in fields(Books)
            }
        )
        return list(audit(part).discrepancies)

    @contextmanager
    def _wrapped(self, functions: Collection[str], attempts: Path) -> Iterator[None]:
        """Puts the wrapper around step functions."""
        handlers = resources("AWS::Serverless::Function")
        with ExitStack() as changes:
            for function in sorted(functions):
                name = self.saga.physical_name(function)
                variables = environment_of(name, self.aws) | {
                    "PYTHONPATH": str(WRAPPER),
                    "FAULTY_HANDLER": handlers[f"{function}Function"]["Handler"],
                    "FAULTY_ATTEMPTS": str(attempts),
                }
                changes.enter_context(
                    reconfigured(
                        name,
                        self.aws,
                        Handler="faulty.handler",
                        Timeout=FUNCTION_TIMEOUT_SECONDS,
                        Environment={"Variables": variables},
                    )
                )
            yield

    @contextmanager
    def _throttled(self, task: str) -> Iterator[None]:
        """Leaves a function without a single worker meanwhile."""
        name = self.saga.function_name(task)
        functions = self.aws("lambda")
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            yield
        finally:
            functions.delete_function_concurrency(FunctionName=name)


def table(outcomes: Collection[Outcome]) -> str:
    """Returns the outcomes as a Markdown table, in the matrix's order."""
    lines = [
        "| task | fault | attempts | its saga ended | order then | repaired by | order in the end "
        "| audit |",
        "|---|---|---|---|---|---|---|---|",
    ]
    order = {cell: place for place, cell in enumerate(all_cells())}
    for outcome in sorted(outcomes, key=lambda outcome: order[outcome.cell]):
        cell, end = outcome.cell, outcome.end
        holds = "holds" if not outcome.discrepancies else "; ".join(outcome.discrepancies)
        lines.append(
            f"| {cell.task} | {cell.fault.title} | {outcome.attempts} | {end.execution} "
            f"| {end.status} | {end.repaired_by or '–'} | {end.final} | {holds} |"
        )
    return "\n".join(lines)
