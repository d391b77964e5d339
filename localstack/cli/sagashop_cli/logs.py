"""Reads what the functions printed, from CloudWatch Logs, merged in the order of time."""

import heapq
import time
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True, order=True)
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
    return heapq.nlargest(lines, _read_since(aws.logs, functions, 0))[::-1]


def follow(aws: Aws, functions: Mapping[str, str], since_ms: int) -> Iterator[LogLine]:
    """Yields lines as they are printed, from `since_ms` on, until the caller stops asking."""
    seen: set[str] = set()
    while True:
        fresh = sorted(_read_since(aws.logs, functions, since_ms))
        for line in fresh:
            if line.event_id not in seen:
                yield line
        if fresh:
            # Lines of the same millisecond may still come.
            since_ms = fresh[-1].at_ms
            seen = {line.event_id for line in fresh if line.at_ms == since_ms}
        time.sleep(POLL_SECONDS)


def _read_since(
    client: "CloudWatchLogsClient", functions: Mapping[str, str], since_ms: int
) -> Iterator[LogLine]:
    for function, physical_id in functions.items():
        group = f"/aws/lambda/{physical_id}"
        try:
            for page in client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=since_ms
            ):
                yield from (_line(function, event) for event in page["events"])
        except client.exceptions.ResourceNotFoundException:
            continue  # it was never called


def _line(function: str, event: "FilteredLogEventTypeDef") -> LogLine:
    return LogLine(event["timestamp"], event["eventId"], function, event["message"].rstrip())


def _normalise(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower().removesuffix(FUNCTION_SUFFIX.lower())
