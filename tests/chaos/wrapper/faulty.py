"""A Lambda handler around a task's own, which goes wrong in the way that the payload asks for.

The tests deploy it in a task's place for a while; the product knows nothing of it. The fault is in
the correlation id, which every task gets: `fault:ReserveStock.killed:…` names a task and what is to
happen to it. An order that is redriven is left alone.
"""

import importlib
import os
import signal
import time
from pathlib import Path
from typing import Any

TASK = os.environ["FAULTY_TASK"]
ATTEMPTS = Path(os.environ["FAULTY_ATTEMPTS"])
LONGER_THAN_ANY_TIMEOUT = 60

_module, _, _name = os.environ["FAULTY_HANDLER"].rpartition(".")
_handle = getattr(importlib.import_module(_module), _name)


class Broken(Exception):
    """No error that the state machine knows: no retry mends it."""


class DifferentAnswers(Exception):
    """The same delivery got two answers."""


def handler(payload: dict[str, Any], context: Any) -> Any:
    """Calls the task's own handler, and does the fault around it."""
    fault = _fault(payload)
    if fault is None:
        return _handle(payload, context)
    is_first = _count(payload["order_id"]) == 1
    if fault == "before":
        raise Broken("before its effect")
    answer = _handle(payload, context)
    match fault:
        case "after":
            raise Broken("after its effect")
        case "timeout" if is_first:
            time.sleep(LONGER_THAN_ANY_TIMEOUT)
        case "killed" if is_first:
            os.kill(os.getpid(), signal.SIGKILL)
        case "twice":
            again = _handle(payload, context)
            if again != answer:
                raise DifferentAnswers(f"{answer}, then {again}")
    return answer


def _fault(payload: dict[str, Any]) -> str | None:
    """Returns what is to go wrong with this task of this order."""
    if payload["execution"] != payload["order_id"]:
        return None
    kind, *parts = payload["correlation_id"].split(":")
    faults = dict(part.split(".") for part in parts if "." in part)
    return faults.get(TASK) if kind == "fault" else None


def _count(order_id: str) -> int:
    """Counts the attempt, across workers: of two writers both see two lines, never one."""
    path = ATTEMPTS / f"{order_id}.{TASK}"
    with path.open("a") as lines:
        lines.write("attempt\n")
    return len(path.read_text().splitlines())
