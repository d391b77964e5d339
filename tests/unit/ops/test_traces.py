"""One order's story, put together from events, histories and logs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sagashop_ops.logs import LogLine
from sagashop_ops.replay import StoredEvent
from sagashop_ops.trace import Execution, Moment, Sources, describe, tell

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ORDER = "ord_1"


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def event(ms: int, detail_type: str, service: str = "order") -> StoredEvent:
    metadata = {"correlation_id": "cor_1", "trace_id": "1-abc"}
    return StoredEvent(
        event_id=f"evt_{detail_type}",
        source=f"sagashop.{service}",
        detail_type=detail_type,
        detail={"metadata": metadata, "data": {"order_id": ORDER}},
        occurred_at=at(ms).isoformat(),
    )


def line(ms: int, function: str, message: str, **fields: Any) -> LogLine:
    """A structured line; it is handed in to CloudWatch half a second after it was written."""
    written = at(ms).strftime("%Y-%m-%d %H:%M:%S,") + f"{ms % 1000:03d}+0000"
    known = {"level": "INFO", "timestamp": written, "service": "x", "order_id": ORDER}
    text = json.dumps(known | {"message": message} | fields)
    handed_in = int(at(ms + 500).timestamp() * 1000)
    return LogLine(handed_in, f"{function}-{ms}", function, text)


def step(ms: int, kind: str, **details: Any) -> dict[str, Any]:
    return {"timestamp": at(ms), "type": kind, **details}


def entered(ms: int, state: str) -> dict[str, Any]:
    return step(ms, "TaskStateEntered", stateEnteredEventDetails={"name": state})


def left(ms: int, state: str) -> dict[str, Any]:
    return step(ms, "TaskStateExited", stateExitedEventDetails={"name": state})


def story(
    *log: LogLine, events: tuple[StoredEvent, ...] = (), history: list[Any] | None = None
) -> list[Moment]:
    executions = [Execution(ORDER, history)] if history else []
    return tell(Sources(ORDER, events, executions, log))


def told(moments: list[Moment]) -> list[tuple[str, str, str]]:
    return [(moment.hop, moment.who, moment.what) for moment in moments]


def ms(moment: Moment) -> float | None:
    return None if moment.took is None else moment.took.total_seconds() * 1000


def test_all_hops_of_an_order_are_told_in_the_order_of_time() -> None:
    moments = story(
        line(50, "RecordEvent", "event logged", detail_type="StockReserved"),
        line(40, "Relay", "event published", event_id="evt_StockReserved"),
        line(5, "OrderApi", "order placed"),
        line(20, "InventorySteps", "step started", step="ReserveStock"),
        line(60, "SweepOrders", "order repaired"),
        events=(event(0, "OrderPlaced"), event(30, "StockReserved", "inventory")),
        history=[step(10, "ExecutionStarted")],
    )

    assert told(moments) == [
        ("stream", "order", "OrderPlaced"),
        ("HTTP", "OrderApi", "order placed"),
        ("saga", "OrderSaga", "execution ord_1 starts"),
        ("saga", "ReserveStock", "step started"),
        ("stream", "inventory", "StockReserved"),
        ("bus", "Relay", "event published  event_id=evt_StockReserved"),
        ("consumer", "RecordEvent", "event logged  detail_type=StockReserved"),
        ("sweep", "SweepOrders", "order repaired"),
    ]
    # How long the event took to the bus, and from there to who heard of it.
    assert [ms(moment) for moment in moments[-3:-1]] == [10, 10]


def test_a_state_is_told_with_the_time_spent_in_it() -> None:
    (moment,) = story(history=[entered(10, "ReserveStock"), left(62, "ReserveStock")])

    assert (moment.at, moment.who, ms(moment)) == (at(10), "ReserveStock", 52)


def test_a_state_that_is_still_under_way_is_told_as_such() -> None:
    assert told(story(history=[entered(10, "AwaitPayment")])) == [
        ("saga", "AwaitPayment", "state, still in it")
    ]


def test_each_failed_try_of_a_task_is_told_with_its_error() -> None:
    cause = json.dumps({"errorMessage": "the provider refuses refunds", "stackTrace": []})
    failure = {"error": "RefundUnavailable", "cause": cause}
    moments = story(
        history=[
            entered(0, "RefundPayment"),
            step(10, "TaskFailed", taskFailedEventDetails=failure),
            step(20, "TaskTimedOut", taskTimedOutEventDetails={"error": "States.Timeout"}),
            left(30, "RefundPayment"),
        ]
    )

    assert told(moments)[1:] == [
        ("saga", "RefundPayment", "task failed: RefundUnavailable, the provider refuses refunds"),
        ("saga", "RefundPayment", "task timed out: States.Timeout"),
    ]


def test_a_failed_execution_is_told_with_its_last_state_and_its_length() -> None:
    failure = {"error": "NeedsAttention", "cause": "a compensation gave up"}
    moments = story(
        history=[
            step(0, "ExecutionStarted"),
            step(8, "FailStateEntered", stateEnteredEventDetails={"name": "NeedsAttention"}),
            step(9, "ExecutionFailed", executionFailedEventDetails=failure),
        ]
    )

    assert told(moments)[1:] == [
        ("saga", "NeedsAttention", "state"),
        ("saga", "OrderSaga", "execution failed: NeedsAttention"),
    ]
    assert ms(moments[-1]) == 9


def test_a_call_is_told_with_the_time_since_it_began() -> None:
    moments = story(
        line(0, "ReserveStock", "step started", request_id="r1"),
        line(3, "ReserveStock", "step started", request_id="r2"),
        line(20, "ReserveStock", "step succeeded", request_id="r1"),
    )

    assert [ms(moment) for moment in moments] == [None, None, 20]


def test_metrics_other_orders_and_mere_looks_are_no_part_of_the_story() -> None:
    metric = {"_aws": {"CloudWatchMetrics": []}, "service": "order"}

    assert not story(
        LogLine(0, "1", "ReserveStock", json.dumps(metric)),
        line(1, "OrderApi", "order placed", order_id="ord_2"),
        line(2, "OrderApi", "request received", method="GET"),
    )


def test_what_is_out_of_the_ordinary_stands_out() -> None:
    (moment,) = story(line(0, "ChargePayment", "step deferred", level="WARNING", error="Busy"))

    assert moment.what == "WARNING step deferred  error=Busy"


def test_an_unexpected_error_is_told_with_its_last_line() -> None:
    traceback = "Traceback (most recent call last):\n  File ...\nKeyError: 'token'"
    (moment,) = story(line(0, "ChargePayment", "step failed", level="ERROR", exception=traceback))

    assert moment.what == "ERROR step failed  KeyError: 'token'"


def test_plain_text_of_a_function_is_told_as_it_is() -> None:
    (moment,) = story(LogLine(int(at(0).timestamp() * 1000), "1", "OrderApi", "Traceback ord_1"))

    assert (moment.at, moment.what) == (at(0), "Traceback ord_1")


def test_the_lines_have_offsets_and_durations_under_the_orders_ids() -> None:
    lines = describe(
        Sources(
            ORDER,
            [event(0, "OrderPlaced")],
            [Execution(ORDER, [entered(10, "ReserveStock"), left(12_510, "ReserveStock")])],
            [],
        )
    )

    assert lines == [
        "order        ord_1",
        "correlation  cor_1",
        "trace        1-abc",
        "execution    ord_1",
        "",
        "   +0.000 s             stream    order               OrderPlaced",
        "   +0.010 s     12.5 s  saga      ReserveStock        state",
    ]
