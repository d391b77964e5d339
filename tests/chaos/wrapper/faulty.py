"""A Lambda handler around a step function's own, which fails in the way that the payload asks for.

The tests deploy it in the function's place for a while; the product knows nothing of it. The fault
is in the correlation id, which every step gets: `fault:ReserveStock.killed:…` names a step and what
happens to it. An order that is redriven is left alone.
"""

import importlib
import os
import signal
import time
from pathlib import Path
from typing import Any

ATTEMPTS = Path(os.environ["FAULTY_ATTEMPTS"])
LONGER_THAN_ANY_TIMEOUT = 60
GATE_SECONDS = 3.0

_module, _, _name = os.environ["FAULTY_HANDLER"].rpartition(".")
_handle = getattr(importlib.import_module(_module), _name)


class Broken(Exception):
    """No error that the state machine knows: no retry fixes it."""


class DifferentAnswers(Exception):
    """The same delivery got two answers."""


def handler(payload: dict[str, Any], context: Any) -> Any:
    """Calls the function's own handler, and does the step's faults around it."""
    faults = _faults(payload)
    if not faults:
        return _handle(payload, context)
    is_first = _count(payload) == 1
    if "gate" in faults and is_first:
        _wait_at_gate(payload)
    if "before" in faults:
        raise Broken("before its effect")
    answer = _handle(payload, context)
    if "after" in faults:
        raise Broken("after its effect")
    if "timeout" in faults and is_first:
        time.sleep(LONGER_THAN_ANY_TIMEOUT)
    if "killed" in faults and is_first:
        os.kill(os.getpid(), signal.SIGKILL)
    if "twice" in faults:
        again = _handle(payload, context)
        if again != answer:
            raise DifferentAnswers(f"{answer}, then {again}")
    return answer


def _faults(payload: dict[str, Any]) -> set[str]:
    """Returns what goes wrong with this step of this order."""
    task = payload["task"]
    kind, *parts = task["correlation_id"].split(":")
    if kind != "fault" or task["execution"] != task["order_id"]:
        return set()
    scripted = (part.split(".") for part in parts if "." in part)
    return {fault for step, fault in scripted if step == payload["step"]}


def _path(payload: dict[str, Any]) -> Path:
    return ATTEMPTS / f"{payload['task']['order_id']}.{payload['step']}"


def _count(payload: dict[str, Any]) -> int:
    """Counts the attempt, across workers: of two writers both see two lines, never one."""
    with _path(payload).open("a") as lines:
        lines.write("attempt\n")
    return len(_path(payload).read_text().splitlines())


def _wait_at_gate(payload: dict[str, Any]) -> None:
    """Waits until the test has prepared what the next step is to meet."""
    gate, deadline = _path(payload).with_suffix(".open"), time.monotonic() + GATE_SECONDS
    while not gate.exists():
        if time.monotonic() > deadline:
            raise Broken("nobody opened the gate")
        time.sleep(0.01)
