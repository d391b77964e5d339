"""The fault matrix: every task of the saga, everything that can go wrong with one, and pairs of it.

A `Cell` is one order with one fault or two. `expected_end` says, from the state machine's own
structure, how its order has to end. `fault_plays` plays it on a running store.
"""

import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product
from typing import NamedTuple

from support.saga_definition import tasks


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
    Fault.TWICE: "is delivered twice at the same time",
}

ASKING, COMPLETING, TURNING = "AwaitPayment", "CompleteOrder", "BeginCancellation"
REFUNDING, FLAG = "RefundPayment", "FlagForAttention"
_PAY_LATER = (ASKING, "ClosePaymentWindow")
_ORDER_OF_TASKS = list(tasks())
STEPS = tuple(_ORDER_OF_TASKS[: _ORDER_OF_TASKS.index(COMPLETING) + 1])
UNDOING = tuple(_ORDER_OF_TASKS[len(STEPS) : _ORDER_OF_TASKS.index(FLAG)])
OPERATOR, SWEEPER = "an operator's redrive", "the sweeper"


class Strike(NamedTuple):
    """One task, and what goes wrong with it."""

    task: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.task}-{self.fault}"


@dataclass(frozen=True)
class Cell:
    """An order, and what goes wrong with one or two of its tasks, in the order of the path."""

    strikes: tuple[Strike, ...]

    def __str__(self) -> str:
        return "+".join(map(str, self.strikes))

    @property
    def is_paid_later(self) -> bool:
        """Whether only an order without a payment comes by the tasks."""
        return any(task in _PAY_LATER for task, _ in self.strikes)

    @property
    def is_completed_in_vain(self) -> bool:
        """Whether CompleteOrder has its effect, and fails all the same."""
        return self.script.get(COMPLETING) is Fault.AFTER

    @property
    def script(self) -> dict[str, Fault]:
        """Every fault that the order needs: a compensation needs something to compensate for."""
        script = dict(self.strikes)
        if script.keys() & {*UNDOING, FLAG} and _lasting(script, STEPS) is None:
            script[COMPLETING] = Fault.BEFORE
        if FLAG in script and _lasting(script, UNDOING) is None:
            script[REFUNDING] = Fault.BEFORE
        return script

    @property
    def throttled(self) -> list[tuple[str | None, str]]:
        """Each task whose function is throttled, after the task that waits until it is.

        The first task of all has none before it.
        """
        path = self._path()
        return [
            (path[place - 1] if place else None, task)
            for place, task in enumerate(path)
            if self.script.get(task) is Fault.THROTTLED
        ]

    @property
    def correlation_id(self) -> str:
        """The script as the wrapper reads it, made unique; no function throttles itself."""
        wrapped = ((task, fault) for task, fault in self.script.items() if fault != Fault.THROTTLED)
        script = [*wrapped, *((gate, "gate") for gate, _ in self.throttled if gate)]
        parts = [f"{task}.{fault}" for task, fault in script]
        return ":".join(["fault", *parts, uuid.uuid4().hex[:8]])

    def _path(self) -> list[str]:
        """Returns the tasks that the order's first execution comes by."""
        steps = [task for task in STEPS if self.is_paid_later or task not in _PAY_LATER]
        failed = _lasting(self.script, STEPS)
        if failed is None:
            return steps
        steps = steps[: steps.index(failed) + 1]
        if self.is_completed_in_vain:
            return [*steps, TURNING]
        stuck = _lasting(self.script, UNDOING)
        if stuck is None:
            return [*steps, *UNDOING]
        undoing = UNDOING[: UNDOING.index(stuck) + 1]
        return [*steps, *undoing, *(() if stuck == TURNING else (FLAG,))]


@dataclass(frozen=True)
class End:
    """How an order's first saga ended, who got it going again, and where it ended then."""

    status: str
    execution: str
    repaired_by: str | None
    final: str


def single_faults() -> list[Cell]:
    """Returns every task with every fault, in the order of the state machine's file."""
    return [Cell((Strike(task, fault),)) for task in _ORDER_OF_TASKS for fault in Fault]


def completed_in_vain() -> list[Cell]:
    """Returns everything with a CompleteOrder that has its effect, and fails all the same.

    A step that does not work for good keeps an order from coming so far, and no compensation runs:
    the row says COMPLETED.
    """
    last = Strike(COMPLETING, Fault.AFTER)
    steps = [task for task in STEPS if task != COMPLETING]
    passing = [fault for fault in Fault if not fault.lasts]
    return [
        *(Cell((Strike(task, fault), last)) for task, fault in product(steps, passing)),
        *(Cell((last, Strike(TURNING, fault))) for fault in Fault),
    ]


def pairs_of_faults() -> list[Cell]:
    """Returns pairs of a fault in a step and a fault in what undoes it.

    Of a step, its fault, a compensation and its fault, each three occur together: the fourth is the
    sum of the others' places. A CompleteOrder that works in the end leaves nothing to undo, so of
    its faults only one has pairs, and all of them.
    """
    undoing, faults = (*UNDOING, FLAG), list(Fault)
    latin = (
        (Strike(step, fault), Strike(task, faults[(number + place + other) % len(faults)]))
        for number, step in enumerate(STEPS)
        for (place, fault), (other, task) in product(enumerate(faults), enumerate(undoing))
        if step != COMPLETING
    )
    last = (
        (Strike(COMPLETING, Fault.BEFORE), Strike(task, fault))
        for task, fault in product(undoing, faults)
    )
    return [Cell(strikes) for strikes in (*latin, *last)]


def expected_end(cell: Cell) -> End:
    """Returns how a cell's order has to end.

    A fault that strikes once is retried, so the end is the one without it. One that lasts is
    compensated where it strikes a step, and parks the order where it strikes a compensation. Where
    the turn itself fails, or the flag, nobody hears of the order but the sweeper, and the order's
    row tells which way its next execution goes.
    """
    script = cell.script
    failed, stuck = _lasting(script, STEPS), _lasting(script, UNDOING)
    completed = End("COMPLETED", "SUCCEEDED", None, "COMPLETED")
    cancelled = End("CANCELLED", "SUCCEEDED", None, "CANCELLED")
    parked = End("NEEDS_ATTENTION", "NeedsAttention", OPERATOR, "CANCELLED")
    abandoned = End("CANCELLING", "SagaAbandoned", SWEEPER, "CANCELLED")
    match stuck, script.get(stuck or ""), script.get(FLAG):
        case _ if failed is None:
            end = completed
        case _ if cell.is_completed_in_vain:
            end = replace(completed, execution="SagaAbandoned") if stuck == TURNING else completed
        case None, _, _:
            end = cancelled
        case "BeginCancellation", Fault.BEFORE, _:  # it never turned back, so it goes on
            status = _status_at(failed, script[failed])
            end = replace(abandoned, status=status, final="COMPLETED")
        case ("BeginCancellation", _, _) | (_, _, Fault.BEFORE):
            end = abandoned
        case "CancelOrder", Fault.AFTER, _:  # it is cancelled: only the reply is missing
            end = replace(cancelled, execution="NeedsAttention")
        case _, _, Fault.AFTER:
            end = replace(parked, execution="SagaAbandoned")
        case _:
            end = parked
    return end


def _lasting(script: dict[str, Fault], among: tuple[str, ...]) -> str | None:
    """Returns the first of some tasks whose every attempt fails."""
    return next((task for task in among if task in script and script[task].lasts), None)


def _status_at(failed: str, fault: Fault) -> str:
    """Returns the status that a step which failed for good leaves an order in."""
    before = "PENDING"
    for task in STEPS:
        after = {ASKING: "AWAITING_PAYMENT", "RecordPayment": "PAID"}.get(task, before)
        if task == failed:
            return after if fault is Fault.AFTER else before
        if task not in _PAY_LATER or failed in _PAY_LATER:
            before = after
    raise AssertionError(f"{failed} is no step")
