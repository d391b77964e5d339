"""Reads what the functions printed, from CloudWatch Logs, merged in the order of time."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sagashop_cli.aws import Aws
from sagashop_cli.errors import UnknownFunction

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import FilteredLogEventTypeDef

POLL_SECONDS = 0.5
FUNCTION_SUFFIX = "Function"


@dataclass(frozen=True)
class LogLine:
    """One line that a function printed; `at_ms` is in milliseconds since the epoch."""

    at_ms: int
    event_id: str
    function: str
    message: str

    def __str__(self) -> str:
        at = datetime.fromtimestamp(self.at_ms / 1000).astimezone()
        return f"{at:%H:%M:%S}.{self.at_ms % 1000:03d}  {self.function}  {self.message}"


def find_functions(aws: Aws, stack_name: str) -> dict[str, str]:
    """Returns the physical name of each function, by its logical id without `Function`."""
    pages = aws.cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
    return {
        resource["LogicalResourceId"].removesuffix(FUNCTION_SUFFIX): resource["PhysicalResourceId"]
        for page in pages
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Lambda::Function"
    }


def select_function(functions: Mapping[str, str], name: str) -> dict[str, str]:
    """Returns the one function that the user means; raises `UnknownFunction`.

    >>> select_function({"ReserveStock": "sagashop-ReserveStock-1a"}, "reserve_stock")
    {'ReserveStock': 'sagashop-ReserveStock-1a'}
    """
    wanted = _normalise(name)
    for logical_id, physical_id in functions.items():
        if wanted in (_normalise(logical_id), _normalise(physical_id)):
            return {logical_id: physical_id}
    raise UnknownFunction(name, functions)


def read(aws: Aws, functions: Mapping[str, str], lines: int) -> list[LogLine]:
    """Returns the last `lines` lines of these functions together, oldest first."""
    return _read_since(aws.logs, functions, dict.fromkeys(functions, 0))[-lines:]


def read_since(aws: Aws, functions: Mapping[str, str], since_ms: int) -> list[LogLine]:
    """Returns these functions' lines since a time (ms since the epoch) together, oldest first."""
    return _read_since(aws.logs, functions, dict.fromkeys(functions, since_ms))


def follow(aws: Aws, functions: Mapping[str, str], shown: Sequence[LogLine]) -> Iterator[LogLine]:
    """Yields the lines that come after those that `read` returned, until the caller stops asking.

    Functions hand in their lines in batches, some later than others: so each has a time of its own
    from which on its lines are news.
    """
    since = dict.fromkeys(functions, shown[0].at_ms if shown else 0)
    seen: set[str] = set()
    fresh = list(shown)
    while True:
        for line in fresh:
            since[line.function] = max(since[line.function], line.at_ms)
            seen.add(line.event_id)
        time.sleep(POLL_SECONDS)
        found = _read_since(aws.logs, functions, since)
        fresh = [line for line in found if line.event_id not in seen]
        yield from fresh


def _read_since(
    client: "CloudWatchLogsClient", functions: Mapping[str, str], since_ms: Mapping[str, int]
) -> list[LogLine]:
    """Returns all functions' lines in the order of time; one function's keep their order."""
    lines = [
        _line(function, event)
        for function, physical_id in functions.items()
        for event in _read_group(client, f"/aws/lambda/{physical_id}", since_ms[function])
    ]
    return sorted(lines, key=lambda line: line.at_ms)


def _read_group(
    client: "CloudWatchLogsClient", group: str, since_ms: int
) -> Iterator["FilteredLogEventTypeDef"]:
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=since_ms
    )
    # A function that was never called may have no group yet.
    with suppress(client.exceptions.ResourceNotFoundException):
        for page in pages:
            yield from page["events"]


def _line(function: str, event: "FilteredLogEventTypeDef") -> LogLine:
    return LogLine(event["timestamp"], event["eventId"], function, event["message"].rstrip())


def _normalise(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower().removesuffix(FUNCTION_SUFFIX.lower())
