"""A Lambda handler around a step function's own, which fails in the way that the payload asks for.

The tests deploy it in the function's place for a while; the product knows nothing of it. The fault
is in the correlation id, which every step gets: `fault:ReserveStock.killed:…` names a step and what
happens to it. An order that is redriven is left alone.

Each fault writes a mark when it strikes: one line of JSON in the order's file. What the kernel has
taken outlives the process that wrote it, so a worker marks its own death before it dies.
"""

import base64
import importlib
import json
import os
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient

from shared import dynamodb, storage

MARKS = Path(os.environ["FAULTY_MARKS"])
LONGER_THAN_ANY_TIMEOUT = 60
PATIENCE_SECONDS = 6.0
LASTING = {"before", "after"}
WRITES = {"PutItem", "UpdateItem", "TransactWriteItems"}
DELIVERIES = {"first", "second"}
SECOND_DELIVERY = {"custom": {"delivery": "second"}}

_module, _, _name = os.environ["FAULTY_HANDLER"].rpartition(".")
_handle = getattr(importlib.import_module(_module), _name)


class Broken(Exception):
    """No error that the state machine knows: no retry fixes it."""


class NobodyCame(Exception):
    """The test, or the other delivery, did not come in time."""


def handler(payload: dict[str, Any], context: Any) -> Any:
    """Calls the function's own handler, and does the step's faults around it."""
    faults = _faults(payload)
    if not faults:
        return _handle(payload, context)
    if context.client_context is not None:
        return _meet(payload, context, "second")
    attempt = _count(payload)
    fault = next(iter(faults - {"gate"}), None)
    if fault not in LASTING and attempt > 1:
        fault = None
    answer = _strike(fault, attempt, payload, context)
    if "gate" in faults:
        _wait_for(_path(payload, "open"), announce=_path(payload, "gate"))
    if fault in LASTING:
        raise Broken(f"{fault} its effect")
    return answer


def _strike(fault: str | None, attempt: int, payload: dict[str, Any], context: Any) -> Any:
    """Does what goes wrong with one attempt; returns the step's answer where it has one."""
    if fault == "twice":
        return _deliver_twice(payload, context)
    before = _read_row(payload)
    answer = None if fault == "before" else _handle(payload, context)
    if fault in {"before", "after", "timeout", "killed"}:
        _mark(payload, fault, attempt=attempt, before=before, after=_read_row(payload))
    if fault == "timeout":
        time.sleep(LONGER_THAN_ANY_TIMEOUT)
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return answer


def _deliver_twice(payload: dict[str, Any], context: Any) -> Any:
    """Has another worker handle the same payload at the same time; returns our own answer."""
    with ThreadPoolExecutor(1) as courier:
        delivered = courier.submit(
            boto3.client("lambda").invoke,
            FunctionName=context.function_name,
            ClientContext=base64.b64encode(json.dumps(SECOND_DELIVERY).encode()).decode(),
            Payload=json.dumps(payload),
        )
        answer = _meet(payload, context, "first")
        delivered.result()
        return answer


def _meet(payload: dict[str, Any], context: Any, delivery: str) -> Any:
    """Handles one of two deliveries. Neither writes before both have read."""
    (other,) = DELIVERIES - {delivery}
    meeting = _Meeting(_path(payload, delivery), _path(payload, other))
    began = time.monotonic()
    outcome: dict[str, Any] = {}
    try:
        with meeting:
            answer = outcome["answer"] = _handle(payload, context)
    except Exception as exc:
        outcome["refusal"] = type(exc).__name__
        raise
    finally:
        times = {"began": began, "ended": time.monotonic()}
        _mark(payload, "twice", delivery=delivery, pid=os.getpid(), **times, **outcome)
    return answer


class _Meeting:
    """Makes a delivery wait for the other one, before its first write or else at its end."""

    def __init__(self, own: Path, other: Path) -> None:
        self._own, self._other = own, other
        self._call = BaseClient._make_api_call

    def __enter__(self) -> None:
        meeting, call = self, self._call

        def make_api_call(client: BaseClient, operation: str, arguments: Mapping[str, Any]) -> Any:
            if operation in WRITES:
                meeting.wait()
            return call(client, operation, arguments)

        BaseClient._make_api_call = make_api_call

    def __exit__(self, *_: object) -> None:
        BaseClient._make_api_call = self._call
        self.wait()

    def wait(self) -> None:
        _wait_for(self._other, announce=self._own)


def _faults(payload: dict[str, Any]) -> set[str]:
    """Returns what goes wrong with this step of this order; nothing with a query."""
    if "step" not in payload:
        return set()
    task = payload["task"]
    kind, *parts = task["correlation_id"].split(":")
    if kind != "fault" or task["execution"] != task["order_id"]:
        return set()
    scripted = (part.split(".") for part in parts if "." in part)
    return {fault for step, fault in scripted if step == payload["step"]}


def _path(payload: dict[str, Any], kind: str) -> Path:
    return MARKS / f"{payload['task']['order_id']}.{payload['step']}.{kind}"


def _count(payload: dict[str, Any]) -> int:
    """Counts the attempt, across workers: of two writers both see two lines, never one."""
    path = _path(payload, "attempts")
    with path.open("a") as lines:
        lines.write("attempt\n")
    return len(path.read_text().splitlines())


def _mark(payload: dict[str, Any], fault: str, **details: Any) -> None:
    """Appends a mark to the order's file."""
    mark = {"task": payload["step"], "fault": fault, **details}
    with (MARKS / f"{payload['task']['order_id']}.marks").open("a") as lines:
        lines.write(f"{json.dumps(mark)}\n")


def _read_row(payload: dict[str, Any]) -> dict[str, Any] | None:
    """Returns the status and the version of the row that the step changes."""
    entity = os.environ["FAULTY_ENTITY"]
    key = dynamodb.to_item({"pk": f"{entity}#{payload['task']['order_id']}", "sk": entity})
    row = dynamodb.get_row(dynamodb.client(), storage.own_table(), key)
    return None if row is None else {"status": row["status"], "version": row["version"]}


def _wait_for(path: Path, *, announce: Path) -> None:
    """Announces that we have come here, and waits until a file is there."""
    announce.touch()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            raise NobodyCame(path.name)
        time.sleep(0.002)
