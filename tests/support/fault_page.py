"""Writes what became of the fault matrix as a Markdown page."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from support.fault_plays import Outcome
from support.faults import FLAG, STEPS, UNDOING, Cell, Fault, Strike, expected_end

INTRODUCTION = """\
# The fault matrix

Every task of the saga, everything that can go wrong with a task, and pairs of that. Each order is
played on a real local store. This page is written by the test that checks it:

    FAULT_MATRIX=docs/fault-matrix.md make test-full T=tests/chaos

What goes wrong:

- **fails before / after its effect**: every attempt raises an error that no retry fixes. A step is
  then compensated; a compensation is given up, and parks the order until somebody redrives it.
- **times out, is killed**: the first attempt's worker does its work, and then hangs until Lambda
  ends it, or dies by SIGKILL. The second attempt finds the work done.
- **is throttled**: the function's reserved concurrency is 0 when the saga comes to this task, until
  the saga has been refused. The saga waits, and nothing is undone.
- **is delivered twice**: two workers get the same payload at the same time, and neither writes
  before both have read. Both give the same answer, or one meets an error that is retried.

A fault counts only where it has shown itself:

- by a mark that it wrote when it struck, before the worker died. The mark has the task's own row
  before and after: a fault after the effect has to show the effect, a fault before it none. Of two
  deliveries, the marks have different processes and overlapping times;
- and by what the execution's history says that the state machine met. It must not have met
  anything else.

Compensations are reached by a CompleteOrder that fails, FlagForAttention by a RefundPayment that
fails as well. The faults are those of an order's first execution. The audit is taken over the order
and a product of its own, when that has ended and again in the end.
"""


def page(outcomes: Collection[Outcome], groups: Mapping[str, Sequence[Cell]]) -> str:
    """Returns the page; `groups` are the cells of its parts: `single`, `vain` and `pairs`."""
    found = {outcome.cell: outcome for outcome in outcomes}
    single, vain, pairs = (
        [found[cell] for cell in groups[name] if cell in found]
        for name in ("single", "vain", "pairs")
    )
    return "\n".join(
        [
            INTRODUCTION,
            f"{_summary(outcomes)}\n",
            "## Single faults\n",
            *_single_faults(single),
            "\n## CompleteOrder fails after its effect\n",
            "The order's row says COMPLETED, so nothing is undone, whatever else goes wrong.\n",
            *_completed_in_vain(vain),
            "\n## A fault in a step, and one in what undoes it\n",
            "Of a step, its fault, a compensation and its fault, each three occur together. Orders "
            "by step\nand compensation:\n",
            *_crossed(
                STEPS,
                (*UNDOING, FLAG),
                Counter((one.task, other.task) for one, other in _strikes(pairs)),
            ),
            "\nBy what went wrong with the step (down) and with the compensation (across):\n",
            *_crossed(
                [fault.title for fault in Fault],
                [fault.title for fault in Fault],
                Counter((one.fault.title, other.fault.title) for one, other in _strikes(pairs)),
            ),
            "\nHow they ended:\n",
            *_ends(pairs),
        ]
    )


def _summary(outcomes: Collection[Outcome]) -> str:
    """Returns the figures of the matrix in one sentence."""
    faults = sum(len(outcome.cell.strikes) for outcome in outcomes)
    shown = sum(len(outcome.proofs) for outcome in outcomes)
    unexpected = sum(outcome.end != expected_end(outcome.cell) for outcome in outcomes)
    unexplained = sum(len(outcome.unexplained) for outcome in outcomes) + unexpected
    discrepancies = sum(len(outcome.discrepancies) for outcome in outcomes)
    return (
        f"{len(outcomes)} orders, {faults} faults, {shown} of them shown to have happened; "
        f"{unexplained} unexplained, {discrepancies} discrepancies."
    )


def _single_faults(outcomes: Iterable[Outcome]) -> list[str]:
    rows = (
        [
            strike.task,
            strike.fault.title,
            outcome.proofs[0],
            outcome.end.execution,
            outcome.end.status,
            outcome.end.repaired_by or "–",
            outcome.end.final,
            "; ".join(outcome.discrepancies) or "holds",
        ]
        for outcome in outcomes
        for strike in outcome.cell.strikes
    )
    titles = ["task", "fault", "shown by", "its saga ended", "order then", "repaired by"]
    return _table([*titles, "order in the end", "audit"], rows)


def _completed_in_vain(outcomes: Sequence[Outcome]) -> list[str]:
    others = [
        strike
        for outcome in outcomes
        for strike in outcome.cell.strikes
        if strike.task != STEPS[-1]
    ]
    ends = {
        strike: f"{outcome.end.status}, {outcome.end.execution}"
        for strike, outcome in zip(others, outcomes, strict=True)
    }
    tasks = dict.fromkeys(strike.task for strike in others)
    rows = ([task, *(ends.get((task, fault), "–") for fault in Fault)] for task in tasks)
    return _table(["task", *(fault.title for fault in Fault)], rows)


def _strikes(pairs: Iterable[Outcome]) -> Iterable[tuple[Strike, Strike]]:
    for outcome in pairs:
        one, other = outcome.cell.strikes
        yield one, other


def _crossed(
    down: Sequence[str], across: Sequence[str], count: Mapping[tuple[str, str], int]
) -> list[str]:
    rows = ([name, *(str(count.get((name, other), 0)) for other in across)] for name in down)
    return _table(["", *across], rows)


def _ends(outcomes: Iterable[Outcome]) -> list[str]:
    ends = Counter(outcome.end for outcome in outcomes)
    rows = (
        [end.execution, end.status, end.repaired_by or "–", end.final, str(count)]
        for end, count in sorted(ends.items(), key=lambda item: -item[1])
    )
    titles = ["its saga ended", "order then", "repaired by", "order in the end", "orders"]
    return _table(titles, rows)


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [titles, ["---"] * len(titles), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
