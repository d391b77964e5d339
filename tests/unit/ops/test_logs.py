"""What functions printed, as one story."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from sagashop_ops import logs
from sagashop_ops.logs import LogLine, follow, of_step, read

FUNCTIONS = {"InventorySteps": "shop-InventorySteps", "PaymentSteps": "shop-PaymentSteps"}


class FakeLogs:
    """CloudWatch Logs with what each function has handed in so far, in the order of its batches."""

    class ResourceNotFoundException(ClientError):
        """There is no such group."""

    def __init__(self) -> None:
        self.exceptions = self
        self._events: dict[str, list[dict[str, Any]]] = {}

    def hand_in(self, function: str, *lines: tuple[int, str]) -> None:
        group = self._events.setdefault(f"/aws/lambda/{FUNCTIONS[function]}", [])
        group += [
            {"timestamp": at_ms, "message": f"{text}\n", "eventId": f"{function}-{text}"}
            for at_ms, text in lines
        ]

    def get_paginator(self, operation: str) -> "FakeLogs":
        assert operation == "filter_log_events"
        return self

    def paginate(self, logGroupName: str, startTime: int) -> Iterator[Any]:  # noqa: N803
        if logGroupName not in self._events:
            raise self.ResourceNotFoundException({"Error": {"Code": "x"}}, "FilterLogEvents")
        events = [e for e in self._events[logGroupName] if e["timestamp"] >= startTime]
        yield {"events": events[:1]}
        yield {"events": events[1:]}


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    monkeypatch.setattr(logs, "POLL_SECONDS", 0)
    return FakeLogs()


def the_last(count: int, cloudwatch: FakeLogs) -> list[LogLine]:
    return read(cast(Any, cloudwatch), FUNCTIONS)[-count:]


def texts(lines: list[LogLine]) -> list[str]:
    return [line.message for line in lines]


def test_lines_of_all_functions_are_merged_in_time(cloudwatch: FakeLogs) -> None:
    cloudwatch.hand_in("PaymentSteps", (20, "charging"), (40, "charged"))
    cloudwatch.hand_in("InventorySteps", (10, "reserving"), (30, "reserved"))

    assert texts(the_last(10, cloudwatch)) == ["reserving", "charging", "reserved", "charged"]
    assert texts(the_last(2, cloudwatch)) == ["reserved", "charged"]


def test_lines_of_one_moment_keep_their_order(cloudwatch: FakeLogs) -> None:
    cloudwatch.hand_in("InventorySteps", (10, "start"), (10, "a line"), (10, "end"))

    assert texts(the_last(10, cloudwatch)) == ["start", "a line", "end"]


def test_a_function_that_was_never_called_has_no_lines(cloudwatch: FakeLogs) -> None:
    assert the_last(10, cloudwatch) == []


def test_following_tells_each_new_line_once(cloudwatch: FakeLogs) -> None:
    cloudwatch.hand_in("InventorySteps", (10, "old"), (20, "shown"))
    news = follow(cast(Any, cloudwatch), FUNCTIONS, the_last(1, cloudwatch))

    cloudwatch.hand_in("InventorySteps", (20, "same moment"), (30, "later"))
    assert texts(list(islice(news, 2))) == ["same moment", "later"]

    cloudwatch.hand_in("InventorySteps", (40, "later still"))
    assert next(news).message == "later still"


def test_a_batch_that_is_handed_in_late_is_not_missed(cloudwatch: FakeLogs) -> None:
    cloudwatch.hand_in("InventorySteps", (10, "reserving"))
    news = follow(cast(Any, cloudwatch), FUNCTIONS, the_last(1, cloudwatch))
    cloudwatch.hand_in("InventorySteps", (50, "reserved"))
    assert next(news).message == "reserved"

    cloudwatch.hand_in("PaymentSteps", (30, "charging"))

    assert next(news).message == "charging"


def test_the_lines_of_one_step_are_found_by_their_field() -> None:
    lines = [
        LogLine(10, "1", "PaymentSteps", '{"step": "ChargePayment", "message": "step started"}'),
        LogLine(20, "2", "PaymentSteps", '{"step": "RefundPayment", "message": "step started"}'),
        LogLine(30, "3", "PaymentSteps", "START RequestId: 1"),
        LogLine(40, "4", "PaymentSteps", '["ChargePayment"]'),
    ]

    assert of_step(lines, "ChargePayment") == lines[:1]
    assert of_step(lines, None) == lines
