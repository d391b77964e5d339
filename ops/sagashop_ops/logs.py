"""Reads what the functions printed, from CloudWatch Logs, merged in the order of time."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagashop_ops.errors import UnknownName

POLL_SECONDS = 0.5
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class LogLine:
    """One line that a function printed; `at_ms` is in milliseconds since the epoch."""

    at_ms: int
    event_id: str
    function: str
    message: str

    def __str__(self) -> str:
        time_of_day = self.at.astimezone().isoformat(timespec="milliseconds")[11:23]
        return f"{time_of_day}  {self.function}  {self.message}"

    @property
    def at(self) -> datetime:
        """When CloudWatch got the line."""
        return datetime.fromtimestamp(self.at_ms / 1000, UTC)

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields of a structured line; none where it is plain text."""
        try:
            fields = json.loads(self.message)
        except ValueError:
            return {}
        return fields if isinstance(fields, dict) else {}


def select_function(functions: Mapping[str, str], name: str) -> dict[str, str]:
    """Returns the one function that the user means; raises UnknownName.

    >>> select_function({"PaymentSteps": "sagashop-PaymentSteps"}, "payment_steps")
    {'PaymentSteps': 'sagashop-PaymentSteps'}
    """
    wanted = _normalise(name)
    for logical_id, physical_id in functions.items():
        if wanted in (_normalise(logical_id), _normalise(physical_id)):
            return {logical_id: physical_id}
    raise UnknownName("function", name, functions)


def of_step(lines: Iterable[LogLine], step: str | None) -> list[LogLine]:
    """Returns the lines of one step of the saga, or all lines where `step` is None."""
    return [line for line in lines if step is None or line.fields.get("step") == step]


def read(client: Any, functions: Mapping[str, str], since: datetime = EPOCH) -> list[LogLine]:
    """Returns these functions' lines since a time together, oldest first.

    Lines of one moment keep their order.
    """
    lines = []
    for function, physical_id in functions.items():
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{physical_id}", startTime=int(since.timestamp() * 1000)
        )
        # A function that was never called may have no group yet.
        with suppress(client.exceptions.ResourceNotFoundException):
            lines += [
                LogLine(event["timestamp"], event["eventId"], function, event["message"].rstrip())
                for page in pages
                for event in page["events"]
            ]
    return sorted(lines, key=lambda line: line.at_ms)


def follow(
    client: Any, functions: Mapping[str, str], shown: Sequence[LogLine]
) -> Iterator[LogLine]:
    """Yields the lines that come after those that `read` returned, until the caller stops asking.

    Functions deliver their lines in batches, some later than others: so each function has its own
    time from which on its lines are new.
    """
    since = dict.fromkeys(functions, shown[0].at if shown else EPOCH)
    seen: set[str] = set()
    fresh = list(shown)
    while True:
        for line in fresh:
            since[line.function] = max(since[line.function], line.at)
            seen.add(line.event_id)
        time.sleep(POLL_SECONDS)
        fresh = [
            line
            for function, physical_id in functions.items()
            for line in read(client, {function: physical_id}, since[function])
            if line.event_id not in seen
        ]
        yield from sorted(fresh, key=lambda line: line.at_ms)


def _normalise(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower().removesuffix("function")
