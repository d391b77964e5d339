"""What an order's saga really did: the states of its executions, from Step Functions' histories."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from order import domain
from order.domain import Order
from shared import clock

MAX_EXECUTIONS = 10
"""So many of an order's executions are shown, the latest: each of them costs a call."""

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
STATUSES = {
    "ExecutionStarted": "RUNNING",
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
    "ExecutionTimedOut": "TIMED_OUT",
}
"""The status of an execution after an event."""
_FAILURES = {
    "TaskFailed",
    "TaskTimedOut",
    "TaskStartFailed",
    "TaskSubmitFailed",
    "EvaluationFailed",
}
_ENTERED, _EXITED = "StateEntered", "StateExited"


@dataclass(slots=True)
class _Visit:
    """One passage through a state; `error` is the last one, even if a later attempt succeeded."""

    name: str
    type: str
    entered_at: str
    exited_at: str | None = None
    outcome: str = "running"
    attempts: int = 0
    error: str | None = None

    def fail(self, error: str | None, outcome: str) -> None:
        self.outcome, self.error = outcome, error or self.error

    def leave(self, at: str) -> None:
        self.exited_at = at
        self.outcome = "failed" if self.outcome == "retrying" else "succeeded"


def saga_view(
    order: Order, history_of: Callable[[str], Iterable[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}/saga`; `history_of` reads an execution by its name.

    `current` is the state that the order's current execution is in.
    """
    first = max(0, order.redrives + 1 - MAX_EXECUTIONS)
    names = [
        domain.execution_name(order.order_id, redrives)
        for redrives in range(first, order.redrives + 1)
    ]
    executions = [execution_view(name, history_of(name)) for name in names]
    last = executions[-1]
    is_under_way = last["status"] == "RUNNING" and last["states"]
    return {
        "order_id": order.order_id,
        "executions": executions,
        "current": last["states"][-1]["name"] if is_under_way else None,
    }


def execution_view(name: str, history: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns one execution: its status and times, and each passage through a state, in order.

    It holds nothing that a state was given or returned: the payment token is among that. The saga
    has no parallel branches, so an event belongs to the state that was entered last. An execution
    without a history has no status: it never started, or its record is gone.
    """
    view: dict[str, Any] = {"name": name, "status": None, "started_at": None, "ended_at": None}
    visits: list[_Visit] = []
    for event in history:
        at, kind = clock.to_iso(event["timestamp"]), event["type"]
        if kind.endswith(_ENTERED):
            entered = event["stateEnteredEventDetails"]["name"]
            visits.append(_Visit(entered, kind.removesuffix(_ENTERED), at))
        elif kind.endswith(_EXITED):
            visits[-1].leave(at)
        elif kind == "TaskScheduled":
            visits[-1].attempts += 1
            visits[-1].outcome = "running"
        elif kind in _FAILURES:
            visits[-1].fail(_error_of(event), "retrying")
        elif kind == "ExecutionStarted":
            view |= {"status": STATUSES[kind], "started_at": at}
        elif kind in STATUSES:
            view |= {"status": STATUSES[kind], "ended_at": at}
            # A state that ends its execution is never left.
            if visits and visits[-1].exited_at is None:
                visits[-1].exited_at = at
                visits[-1].fail(_error_of(event), "failed")
    return {**view, "states": [asdict(visit) for visit in visits]}


def _error_of(event: Mapping[str, Any]) -> str | None:
    """Returns the error's name, wherever this kind of event has it."""
    details = (part for name, part in event.items() if name.endswith("EventDetails"))
    return next((part["error"] for part in details if "error" in part), None)
