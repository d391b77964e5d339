"""A store's figures, from its rows and its log lines."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sagashop_ops.stats import Counted, Stats, add_up, describe, oldest_open

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def a_metric(name: str, value: Any, unit: str = "Count", **dimensions: str) -> str:
    directive = {"Namespace": "shop", "Metrics": [{"Name": name, "Unit": unit}]}
    return json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, name: value} | dimensions)


def an_order(status: str, minutes_ago: int) -> Mapping[str, Any]:
    placed = (NOW - timedelta(minutes=minutes_ago)).isoformat()
    return {"status": status, "created_at": placed}


def test_counts_are_added_up_for_each_part_of_a_service() -> None:
    counts = add_up(
        [
            a_metric("StepSucceeded", [1.0], service="inventory", step="ReserveStock"),
            a_metric("StepSucceeded", [1.0, 1.0], service="inventory", step="ReserveStock"),
            a_metric("StepFailed", 1, service="payment", step="ChargePayment"),
            a_metric("SweepRepaired", [2.0], service="order"),
            a_metric("NotificationSent", [1.0], service="notification", event="OrderPlaced"),
        ]
    )

    assert counts == {
        Counted("inventory", "ReserveStock", "StepSucceeded"): 3,
        Counted("payment", "ChargePayment", "StepFailed"): 1,
        Counted("order", "", "SweepRepaired"): 2,
        Counted("notification", "OrderPlaced", "NotificationSent"): 1,
    }


def test_gauges_and_other_lines_are_not_added_up() -> None:
    assert not add_up(
        [
            a_metric("ParkedOrders", [7.0], service="order"),
            a_metric("OldestOpenOrderSeconds", [7.0], unit="Seconds", service="order"),
            '{"message": "step started"}',
            "START RequestId: 1",
        ]
    )


def test_the_oldest_open_order_counts_and_ended_ones_do_not() -> None:
    orders = [
        an_order("COMPLETED", 90),
        an_order("PAID", 5),
        an_order("AWAITING_PAYMENT", 12),
        an_order("CANCELLING", 15),
    ]

    assert oldest_open(orders, NOW) == timedelta(minutes=15)
    assert oldest_open(orders[:1], NOW) is None


def test_the_figures_read_as_lines() -> None:
    stats = Stats(
        orders={"COMPLETED": 3, "NEEDS_ATTENTION": 1},
        oldest_open=None,
        executions={"SUCCEEDED": 3, "FAILED": 1},
        metrics={
            Counted("order", "CompleteOrder", "StepSucceeded"): 3,
            Counted("order", "", "SweepRepaired"): 0,
        },
        dead_letters={"Notification": 2, "Sweep": 0},
        mails={},
        circuits={
            "payment": {"state": "OPEN", "failures": 5, "retry_after_seconds": 12},
            "shipping": {"state": "CLOSED", "failures": 0, "retry_after_seconds": 0},
        },
    )

    assert describe(stats) == [
        "orders        3 COMPLETED, 1 NEEDS_ATTENTION",
        "parked        1",
        "oldest open   -",
        "executions    1 FAILED, 3 SUCCEEDED",
        "mails         none",
        "circuits      payment OPEN after 5 failures (next try in 12 s), shipping CLOSED",
        "dead letters  2 Notification",
        "",
        "order         CompleteOrder         3 StepSucceeded",
    ]
