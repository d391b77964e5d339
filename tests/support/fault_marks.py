"""Evidence that a fault of the matrix happened: the marks that it left, and the engine's record.

The wrapper writes a mark when a fault strikes; the execution's history says what the state machine
saw of it. `proof_of` accepts a fault only where both of them show it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.faults import TURNING, Cell, Fault, Strike
from support.saga_definition import tasks

type Mark = Mapping[str, Any]

# What a task leaves its row as; a compensation finds something to undo, or leaves a tombstone.
EFFECTS: Mapping[str, frozenset[str]] = {
    "ReserveStock": frozenset({"RESERVED"}),
    "RecordReservation": frozenset({"PENDING"}),
    "AwaitPayment": frozenset({"AWAITING_PAYMENT"}),
    "ClosePaymentWindow": frozenset({"AWAITING_PAYMENT"}),
    "ChargePayment": frozenset({"CAPTURED"}),
    "RecordPayment": frozenset({"PAID"}),
    "CreateShipment": frozenset({"CREATED"}),
    "CommitStock": frozenset({"COMMITTED"}),
    "CompleteOrder": frozenset({"COMPLETED"}),
    "BeginCancellation": frozenset({"CANCELLING"}),
    "CancelShipment": frozenset({"CANCELLED"}),
    "RefundPayment": frozenset({"REFUNDED", "VOIDED"}),
    "ReleaseStock": frozenset({"RELEASED"}),
    "CancelOrder": frozenset({"CANCELLED"}),
    "FlagForAttention": frozenset({"NEEDS_ATTENTION"}),
}
ERRORS: Mapping[Fault, str] = {
    Fault.BEFORE: "Broken",
    Fault.AFTER: "Broken",
    Fault.TIMEOUT: "Sandbox.Timedout",
    Fault.THROTTLED: "Lambda.TooManyRequestsException",
    Fault.KILLED: "Runtime.ExitError",
}


class NotShown(AssertionError):
    """A fault left no evidence that it happened, or not as it should."""


@dataclass(frozen=True)
class Evidence:
    """What is known of an order's first execution.

    `errors` are what each state met, retried ones included, and `entered` the states it came by.
    """

    marks: Sequence[Mark]
    errors: Mapping[str, Sequence[str]]
    entered: Sequence[str]


def marks_of(order_id: str, directory: Path) -> list[Mark]:
    """Reads the marks that an order's faults left."""
    path = directory / f"{order_id}.marks"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def proof_of(strike: Strike, cell: Cell, evidence: Evidence) -> str:
    """Returns in words what shows that a strike of the cell happened; raises NotShown."""
    marks = [
        mark
        for mark in evidence.marks
        if (mark["task"], mark["fault"]) == (strike.task, strike.fault)
    ]
    errors = evidence.errors.get(strike.task, ())
    if strike.fault is Fault.TWICE:
        return _two_deliveries(strike, marks)
    if ERRORS[strike.fault] not in errors:
        raise NotShown(f"{strike}: the execution met {list(errors)}")
    if strike.fault is Fault.THROTTLED:
        return ERRORS[strike.fault]
    if not marks:
        raise NotShown(f"{strike}: no mark")
    return f"{_effect(strike, cell, marks[0])}, {ERRORS[strike.fault]}"


def unexplained_errors(cell: Cell, evidence: Evidence) -> list[str]:
    """Returns the errors in the execution that no fault of the cell accounts for."""
    return [
        f"{task} met {error}"
        for task, errors in evidence.errors.items()
        for error in errors
        if error not in _accounted_for(task, cell.script.get(task))
    ]


def _effect(strike: Strike, cell: Cell, mark: Mark) -> str:
    """Returns what a mark says of the row that the task changes; raises NotShown."""
    before, after = mark["before"], mark["after"]
    if strike.fault is Fault.BEFORE:
        if after != before:
            raise NotShown(f"{strike}: had an effect, from {before} to {after}")
        return "no effect"
    if strike.task == TURNING and cell.is_completed_in_vain:
        expected, is_written = frozenset({"COMPLETED"}), False
    else:
        # A payment is in the row already: the window closes by being read.
        expected, is_written = EFFECTS[strike.task], strike.task != "ClosePaymentWindow"
    version = before["version"] if before else 0
    if (
        after is None
        or after["status"] not in expected
        or is_written != (after["version"] > version)
    ):
        raise NotShown(f"{strike}: had no effect, from {before} to {after}")
    return str(after["status"])


def _two_deliveries(strike: Strike, marks: Sequence[Mark]) -> str:
    """Checks that two workers had the same payload at a time; returns how both ended."""
    if sorted(mark["delivery"] for mark in marks) != ["first", "second"]:
        raise NotShown(f"{strike}: {marks}")
    one, other = marks
    if one["pid"] == other["pid"]:
        raise NotShown(f"{strike}: one worker had both deliveries")
    if max(one["began"], other["began"]) >= min(one["ended"], other["ended"]):
        raise NotShown(f"{strike}: one delivery ended before the other began")
    answers = [mark["answer"] for mark in marks if "answer" in mark]
    refusals = [mark["refusal"] for mark in marks if "refusal" in mark]
    if not answers or any(answer != answers[0] for answer in answers):
        raise NotShown(f"{strike}: different answers, {marks}")
    if not set(refusals) <= _retried(strike.task):
        raise NotShown(f"{strike}: refused by {refusals}")
    return "two workers, " + (f"one met {refusals[0]}" if refusals else "the same answer")


def _accounted_for(task: str, fault: Fault | None) -> set[str]:
    if fault is None:
        return set()
    return _retried(task) if fault is Fault.TWICE else {ERRORS[fault]}


def _retried(task: str) -> set[str]:
    """Returns the errors of the function's own that the state machine retries."""
    named = {error for rule in tasks()[task]["Retry"] for error in rule["ErrorEquals"]}
    return {error for error in named if "." not in error}
