"""One order's whole story, in the order of time.

It comes from three sources: the order's log (its events), the histories of its executions, and the
logs of all functions. `tell` is pure and merges them; `read_sources` asks a running store.

Requests that only looked at the order are left out. Each line has the hop on which it happened:

    HTTP      a request came in or was answered
    saga      the state machine, or one of its steps
    stream    a service wrote an event beside its row
    bus       the relay published the event
    consumer  a consumer received the event
    sweep     a sweeper looked at the order
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sagashop_ops import logs
from sagashop_ops.aws import Deployment, table_of
from sagashop_ops.logs import LogLine
from sagashop_ops.replay import StoredEvent, events_of

CONSUMERS = frozenset({"StartSaga", "RecordEvent", "SendNotification", "OrderQueries", "Realtime"})
# Says that the order's row has changed, but not what happened: no part of the story.
UPDATE = "OrderChanged"
# The fields of every line, and those that are shown in another way.
COMMON_FIELDS = frozenset(
    [
        "causation_id",
        "cold_start",
        "correlation_id",
        "exception",
        "exception_name",
        "execution",
        "level",
        "location",
        "message",
        "order_id",
        "request_id",
        "sampling_rate",
        "service",
        "stack_trace",
        "step",
        "timestamp",
        "trace_id",
        "xray_trace_id",
    ]
)
# A line may be older than the order that it is about, by as much as a request takes.
BEFORE_THE_ORDER = timedelta(seconds=30)


@dataclass(frozen=True)
class Moment:
    """One thing that happened, and how long it took where that is known."""

    at: datetime
    hop: str
    who: str
    what: str
    took: timedelta | None = None


@dataclass(frozen=True)
class Execution:
    """One execution of the saga, and its history in Step Functions."""

    name: str
    history: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sources:
    """Everything that is known of one order."""

    order_id: str
    events: Sequence[StoredEvent]
    executions: Sequence[Execution]
    log: Sequence[LogLine]


def tell(sources: Sources) -> list[Moment]:
    """Returns an order's story in the order of time."""
    moments = [
        *(
            Moment(event.at, "stream", event.source.removeprefix("sagashop."), event.detail_type)
            for event in sources.events
        ),
        *(moment for execution in sources.executions for moment in _moments_of_saga(execution)),
        *_moments_of_log(sources),
    ]
    return sorted(moments, key=lambda moment: moment.at)


def describe(sources: Sources) -> list[str]:
    """Returns the story as lines: offset from the first, duration, hop, who, what."""
    moments = tell(sources)
    ids = sources.events[0].detail["metadata"]
    start = moments[0].at
    return [
        f"order        {sources.order_id}",
        f"correlation  {ids['correlation_id']}",
        f"trace        {ids['trace_id']}",
        *(f"execution    {execution.name}" for execution in sources.executions),
        "",
        *(
            f"{(moment.at - start).total_seconds():>+9.3f} s  {_duration(moment.took):>9}  "
            f"{moment.hop:<8}  {moment.who:<18}  {moment.what}".rstrip()
            for moment in moments
        ),
    ]


def read_sources(deployment: Deployment, order_id: str) -> Sources:
    """Asks a running store for everything that it knows of an order; raises UnknownOrder."""
    events = events_of(deployment, order_id)
    correlation_id = str(events[0].detail["metadata"]["correlation_id"])
    since = events[0].at - BEFORE_THE_ORDER
    lines = logs.read(deployment.client("logs"), deployment.functions, since)
    return Sources(
        order_id=order_id,
        events=events,
        executions=list(_executions(deployment, order_id)),
        log=[line for line in lines if order_id in line.message or correlation_id in line.message],
    )


def _executions(deployment: Deployment, order_id: str) -> Iterator[Execution]:
    """Yields the order's executions: the first, and one for each redrive."""
    row = table_of(deployment.stack, "order").get_item(
        Key={"pk": f"ORDER#{order_id}", "sk": "ORDER"}
    )["Item"]
    redrives = int(row.get("redrives", 0))
    client = deployment.client("stepfunctions")
    prefix = deployment.stack.state_machine_arn.replace(":stateMachine:", ":execution:")
    for name in [order_id, *(f"{order_id}-r{number}" for number in range(1, redrives + 1))]:
        try:
            pages = client.get_paginator("get_execution_history").paginate(
                executionArn=f"{prefix}:{name}"
            )
            yield Execution(name, [event for page in pages for event in page["events"]])
        except client.exceptions.ExecutionDoesNotExist:
            continue  # It never started, or the engine that ran it was restarted.


def _moments_of_saga(execution: Execution) -> Iterator[Moment]:
    """Yields what an execution did: itself, each state with the time spent in it, each failure."""
    begun: datetime | None = None
    entered: dict[str, Moment] = {}
    for event in execution.history:
        at, kind = event["timestamp"], event["type"]
        if kind == "ExecutionStarted":
            begun = at
            yield Moment(at, "saga", "OrderSaga", f"execution {execution.name} starts")
        elif kind.startswith("Execution"):
            how = kind.removeprefix("Execution").lower()
            why = _failure(event)
            took = at - begun if begun else None
            # A state that fails the execution is never left.
            yield from entered.values()
            entered.clear()
            yield Moment(at, "saga", "OrderSaga", f"execution {how}{why}", took)
        elif details := event.get("stateEnteredEventDetails"):
            entered[details["name"]] = Moment(at, "saga", details["name"], "state")
        elif details := event.get("stateExitedEventDetails"):
            moment = entered.pop(details["name"], Moment(at, "saga", details["name"], "state"))
            yield replace(moment, took=at - moment.at)
        elif kind.endswith(("Failed", "TimedOut")):
            where = next(reversed(entered), "OrderSaga")
            what = "timed out" if kind.endswith("TimedOut") else "failed"
            yield Moment(at, "saga", where, f"task {what}{_failure(event)}")
    for moment in entered.values():
        yield replace(moment, what="state, still in it")


def _failure(event: Mapping[str, Any]) -> str:
    """Returns the error's name, and its message where the cause is a function's."""
    for name, details in event.items():
        if name.endswith(("FailedEventDetails", "TimedOutEventDetails", "AbortedEventDetails")):
            error, cause = details.get("error", ""), details.get("cause", "")
            try:
                cause = json.loads(cause)["errorMessage"]
            except (ValueError, TypeError, KeyError):
                cause = ""
            return f": {error}" + (f", {cause}" if cause else "") if error else ""
    return ""


def _moments_of_log(sources: Sources) -> Iterator[Moment]:
    """Yields what the functions wrote, but not metrics, other orders, updates, and mere reading.

    An event is timed since it was written or published, any other line since its call began.
    """
    occurred = {event.event_id: event.at for event in sources.events}
    by_type = {event.detail_type: event.event_id for event in sources.events}
    published: dict[str, datetime] = {}
    for line in sources.log:
        if line.fields.get("message") == "event published":
            published.setdefault(str(line.fields.get("event_id")), _written_at(line))
    begun: dict[str, datetime] = {}
    for line in sources.log:
        fields, hop = line.fields, hop_of(line.function)
        if not {"message", "_aws"} & fields.keys():
            yield Moment(line.at, hop, line.function, line.message)
            continue
        of_another = fields.get("order_id", sources.order_id) != sources.order_id
        is_update = fields.get("detail_type") == UPDATE
        if "_aws" in fields or of_another or is_update or fields.get("method") == "GET":
            continue
        at, request_id = _written_at(line), str(fields.get("request_id"))
        event_id = fields.get("event_id") or by_type.get(str(fields.get("detail_type")))
        source = {"bus": occurred, "consumer": published}.get(hop, {}).get(str(event_id))
        source = source or begun.get(request_id)
        begun.setdefault(request_id, at)
        took = at - source if source and source <= at else None
        yield Moment(at, hop, str(fields.get("step", line.function)), _in_words(fields), took)


def hop_of(function: str) -> str:
    """Returns the hop that a function belongs to.

    >>> [hop_of(name) for name in ("OrderApi", "OrderSteps", "Relay", "SendNotification")]
    ['HTTP', 'saga', 'bus', 'consumer']
    """
    if function.endswith("Api") or function == "OrderOps":
        return "HTTP"
    if function == "Relay":
        return "bus"
    if function.startswith("Sweep"):
        return "sweep"
    if function in CONSUMERS:
        return "consumer"
    return "saga"


def _in_words(fields: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in fields.items() if name not in COMMON_FIELDS}
    rest = {name: value for name, value in rest.items() if not name.startswith("function_")}
    words = " ".join(f"{name}={_short(value)}" for name, value in rest.items() if value is not None)
    level = "" if fields.get("level") in ("INFO", None) else f"{fields['level']} "
    error = str(fields.get("exception", "")).rstrip().rpartition("\n")[2]
    return "  ".join(part for part in (f"{level}{fields['message']}", words, error) if part)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:120]}…"


def _written_at(line: LogLine) -> datetime:
    """Returns the time that the function itself wrote, rather than when its line was handed in."""
    try:
        return datetime.fromisoformat(line.fields["timestamp"])
    except (KeyError, TypeError, ValueError):
        return line.at


def _duration(took: timedelta | None) -> str:
    if took is None:
        return ""
    seconds = took.total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"
