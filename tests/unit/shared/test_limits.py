"""Limits: how often a caller may do something in a window of time."""

from typing import Any

import pytest

from shared import dynamodb
from shared.errors import TooManyRequests
from shared.limits import Limit, Limiter

KNOCKS = Limit("knocks", most=3, seconds=60)


@pytest.fixture
def limiter(order_table: str) -> Limiter:
    return Limiter(dynamodb.client(), order_table)


def test_a_caller_may_go_on_up_to_the_limit_and_is_then_told_how_long_to_wait(
    limiter: Limiter, frozen_clock: Any
) -> None:
    # Given
    for _ in range(KNOCKS.most):
        limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)
    frozen_clock.advance(seconds=18)

    # When
    with pytest.raises(TooManyRequests) as refused:
        limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)

    # Then: the window began with the minute
    assert refused.value.retry_after == 42


def test_the_next_window_begins_from_zero(limiter: Limiter, frozen_clock: Any) -> None:
    # Given
    for _ in range(KNOCKS.most):
        limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)

    # When
    frozen_clock.advance(seconds=60)

    # Then
    limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)


def test_callers_and_limits_are_counted_apart(limiter: Limiter, frozen_clock: Any) -> None:
    # Given
    for _ in range(KNOCKS.most):
        limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)

    # Then
    limiter.count(KNOCKS, "203.0.113.8", frozen_clock.at)
    limiter.count(Limit("shouts", most=3, seconds=60), "203.0.113.7", frozen_clock.at)


def test_a_counter_expires_with_its_window_and_does_not_show_the_caller(
    limiter: Limiter, order_table: str, frozen_clock: Any
) -> None:
    # When
    limiter.count(KNOCKS, "ada@example.com", frozen_clock.at)

    # Then
    (item,) = dynamodb.client().scan(TableName=order_table)["Items"]
    row = dynamodb.from_item(item)
    assert row["expires_at"] == frozen_clock.at.replace(minute=31, microsecond=0).timestamp()
    assert row["pk"].startswith("LIMIT#knocks#")
    assert "ada" not in row["pk"]


def test_a_refused_call_is_not_counted(
    limiter: Limiter, order_table: str, frozen_clock: Any
) -> None:
    # When
    for _ in range(KNOCKS.most):
        limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)
    with pytest.raises(TooManyRequests):
        limiter.count(KNOCKS, "203.0.113.7", frozen_clock.at)

    # Then
    (item,) = dynamodb.client().scan(TableName=order_table)["Items"]
    assert dynamodb.from_item(item)["hits"] == KNOCKS.most
