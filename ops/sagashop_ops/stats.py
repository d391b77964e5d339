"""The figures of `docs/metrics.md`.

On AWS, CloudWatch also has them as metrics, with alarms and a dashboard. Here they come from their
sources: the tables, Step Functions, the queues, and the metrics that functions write into their
logs in CloudWatch's embedded metric format:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sagashop_ops import circuit, dead_letters, logs
from sagashop_ops.audit import OPEN
from sagashop_ops.aws import Deployment, Row, rows, table_of
from sagashop_ops.durations import in_words
from sagashop_ops.queues import dead_letter_queues
from sagashop_ops.redrive import PARKED

# Metrics of the current state, which is read from the tables.
GAUGES = frozenset({"OpenOrders", "ParkedOrders", "OldestOpenOrderSeconds"})


@dataclass(frozen=True, order=True)
class Counted:
    """A metric of a service; `part` is the step or the event that it counts, or empty."""

    service: str
    part: str
    name: str


@dataclass(frozen=True)
class Stats:
    """One look at a store. `metrics` are counts since the store's logs began."""

    orders: Mapping[str, int]
    oldest_open: timedelta | None
    executions: Mapping[str, int]
    metrics: Mapping[Counted, int]
    dead_letters: Mapping[str, int]
    mails: Mapping[str, int]
    circuits: Mapping[str, circuit.State | None]


def read_stats(deployment: Deployment, since: datetime = logs.EPOCH) -> Stats:
    """Reads every figure of a store; the metrics since a time, or all that its logs hold."""
    orders = list(_statuses(table_of(deployment.stack, "order"), "ORDER"))
    mails = _statuses(table_of(deployment.stack, "notification"), "NOTIFICATION")
    lines = logs.read(deployment.client("logs"), deployment.functions, since)
    executions = (
        deployment.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=deployment.stack.state_machine_arn)
    )
    return Stats(
        orders=Counter(row["status"] for row in orders),
        oldest_open=oldest_open(orders, datetime.now(UTC)),
        executions=Counter(run["status"] for page in executions for run in page["executions"]),
        metrics=add_up(line.message for line in lines),
        dead_letters={
            queue.name: dead_letters.count(deployment, queue)
            for queue in dead_letter_queues(deployment)
        },
        mails=Counter(row["status"] for row in mails),
        circuits=circuit.read(deployment),
    )


def oldest_open(orders: Iterable[Row], now: datetime) -> timedelta | None:
    """Returns how long ago the oldest of the open orders was placed; None where none is open."""
    placed = [row["created_at"] for row in orders if row["status"] in OPEN]
    return now - datetime.fromisoformat(min(placed)) if placed else None


def add_up(messages: Iterable[str]) -> dict[Counted, int]:
    """Adds up the counts among the metrics that log messages hold. Gauges are left out."""
    totals: Counter[Counted] = Counter()
    for message in messages:
        if '"_aws"' not in message:
            continue
        fields = json.loads(message)
        for directive in fields["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                if metric["Unit"] == "Count" and metric["Name"] not in GAUGES:
                    values = fields[metric["Name"]]
                    part = fields.get("step") or fields.get("event") or ""
                    counted = Counted(fields["service"], part, metric["Name"])
                    totals[counted] += int(sum(values if isinstance(values, list) else [values]))
    return dict(totals)


def describe(stats: Stats) -> list[str]:
    """Returns the figures as lines of text."""
    oldest = "-" if stats.oldest_open is None else in_words(stats.oldest_open)
    return [
        f"orders        {_counts(stats.orders)}",
        f"parked        {stats.orders.get(PARKED, 0)}",
        f"oldest open   {oldest}",
        f"executions    {_counts(stats.executions)}",
        f"mails         {_counts(stats.mails)}",
        f"circuits      {circuit.describe(stats.circuits)}",
        f"dead letters  {_counts({name: n for name, n in stats.dead_letters.items() if n})}",
        "",
        *_metrics(stats.metrics),
    ]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in sorted(counts.items())) or "none"


def _metrics(metrics: Mapping[Counted, int]) -> Iterator[str]:
    """Yields a line for each part of a service, with what was counted there."""
    parts: dict[tuple[str, str], list[str]] = {}
    for counted, total in sorted(metrics.items()):
        if total:
            parts.setdefault((counted.service, counted.part), []).append(f"{total} {counted.name}")
    for (service, part), totals in parts.items():
        yield f"{service:<12}  {part or '-':<20}  {', '.join(totals)}"


def _statuses(table: Any, sort_key: str) -> Iterator[Row]:
    """Yields `{"status", "created_at"}` of each row of one kind."""
    return rows(
        table,
        "scan",
        FilterExpression="sk = :sort_key",
        ExpressionAttributeValues={":sort_key": sort_key},
        ProjectionExpression="#status, created_at",
        ExpressionAttributeNames={"#status": "status"},
    )
