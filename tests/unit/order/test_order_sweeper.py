"""The sweeper gets the sagas of orders that stand still going again, and gives up in the open."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, TRACE_ID, an_order
from order import service, sweeper
from order.domain import Change, Order, Status
from order.redrive import count_redrive
from shared import rounds
from shared.storage import Position, Unreadable
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

type OutboxEvents = Callable[[], list[tuple[str, dict[str, Any]]]]

PARKED = an_order().paid().parked().build()


@pytest.fixture
def sweep(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, frozen_clock: Any, lambda_context: Any
) -> Callable[..., dict[str, Any]]:
    frozen_clock.at = PLACED_AT + timedelta(minutes=10)

    def run(**event: Any) -> dict[str, Any]:
        return sweeper.sweep(event, lambda_context)

    return run


def repaired(report: dict[str, Any]) -> list[str]:
    return [order["what"] for order in report["repaired"]]


def test_an_order_whose_saga_never_started_or_was_forgotten_is_started_under_its_name(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(Change(an_order().build()), None)

    # When
    report = sweep()

    # Then
    assert report == {
        "service": "order",
        "looked_at": 1,
        "repaired": [{"order_id": ORDER_ID, "what": "started"}],
        "left": [],
        "behind": False,
        "parked": 0,
        "oldest_open_seconds": 600,
    }
    assert list(stepfunctions.executions) == [ORDER_ID]
    assert orders.get(ORDER_ID).redrives == 0


def test_an_order_that_moved_a_moment_ago_is_not_looked_at(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    fresh = replace(an_order().build(), updated_at=PLACED_AT + timedelta(minutes=5, seconds=1))
    orders.add(Change(fresh), None)

    # Then
    assert sweep()["looked_at"] == 0
    assert sweep(grace_seconds=0)["looked_at"] == 1
    assert list(stepfunctions.executions) == [ORDER_ID]


def test_a_running_saga_is_left_alone(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(Change(an_order().paid().build()), None)
    stepfunctions.states[ORDER_ID] = "RUNNING"

    # When
    report = sweep()

    # Then
    assert (report["repaired"], report["left"]) == ([], [])
    assert stepfunctions.executions == {}


@pytest.mark.parametrize("state", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_dead_saga_is_redriven_in_the_sweepers_name(
    state: str,
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    outbox_events: OutboxEvents,
) -> None:
    # Given
    orders.add(Change(an_order().paid().build()), None)
    stepfunctions.states[ORDER_ID] = state

    # When
    report = sweep()

    # Then
    assert repaired(report) == ["redriven"]
    assert list(stepfunctions.executions) == [f"{ORDER_ID}-r1"]
    ((event_type, detail),) = outbox_events()
    assert (event_type, detail["data"]["operator"]) == ("OrderRedriven", "sweeper")
    assert state in detail["data"]["reason"]
    assert detail["metadata"]["trace_id"] == TRACE_ID
    assert detail["metadata"]["correlation_id"] == ORIGIN.correlation_id


def test_an_order_that_is_redriven_in_vain_is_given_up_and_reported_as_stuck(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions, frozen_clock: Any
) -> None:
    # Given
    orders.add(Change(an_order().paid().build()), None)
    reports = []

    # When: each execution dies as the one before
    for execution in (ORDER_ID, *(f"{ORDER_ID}-r{number}" for number in range(1, 5))):
        stepfunctions.states[execution] = "FAILED"
        reports.append(sweep())
        frozen_clock.advance(minutes=10)

    # Then
    assert [repaired(report) for report in reports] == [["redriven"]] * 3 + [[], []]
    assert reports[-1]["left"] == [{"order_id": ORDER_ID, "what": "stuck"}]
    assert orders.get(ORDER_ID).redrives == 3


def test_an_operators_redrive_gives_the_sweeper_its_chances_back() -> None:
    # Given
    order = replace(an_order().paid().build(), redrives=3, swept=3)

    # When
    order = count_redrive(order, "ada", "repaired", ORIGIN, PLACED_AT).order

    # Then
    assert (order.redrives, order.swept) == (4, 0)


def test_a_saga_that_waits_for_what_is_decided_is_woken(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions, frozen_clock: Any
) -> None:
    # Given a window that ends in five minutes
    orders.add(Change(an_order().awaiting_payment().build()), None)
    stepfunctions.states[ORDER_ID] = "RUNNING"
    stepfunctions.waiting = {"task-token-1"}
    assert repaired(sweep()) == []

    # When
    frozen_clock.advance(minutes=5)

    # Then
    assert repaired(sweep()) == ["woken"]
    assert stepfunctions.woken == ["task-token-1"]
    assert repaired(sweep()) == [], "nobody waits any more"


def test_a_parked_order_is_counted_and_left_to_the_operators(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given
    orders.add(Change(PARKED), None)
    orders.add(Change(an_order().with_id(f"{ORDER_ID[:-1]}2").build()), None)

    # When
    report = sweep()

    # Then
    assert (report["parked"], report["looked_at"]) == (1, 1)
    assert list(stepfunctions.executions) == [f"{ORDER_ID[:-1]}2"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = (line for line in lines if "_aws" in line)
    assert metrics["OpenOrders"] == [1.0]
    assert metrics["ParkedOrders"] == [1.0]
    assert metrics["OldestOpenOrderSeconds"] == [600.0]
    assert metrics["SweepRepaired"] == [1.0]


def test_a_redrive_that_was_counted_and_never_started_is_started_where_it_resumes(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(count_redrive(PARKED, "ada", "Fixed.", ORIGIN, PLACED_AT), None)
    stepfunctions.states[ORDER_ID] = "FAILED"

    # When
    report = sweep()

    # Then
    assert repaired(report) == ["started"]
    (execution,) = stepfunctions.executions
    assert execution == f"{ORDER_ID}-r1"
    assert json.loads(stepfunctions.executions[execution])["failure"] == {
        "Error": "PaymentOutcomeUnknown",
        "Cause": "",
    }


def test_an_order_that_ended_while_the_index_still_had_it_is_left_alone(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    stale = an_order().build()
    orders.add(Change(replace(stale, status=Status.CANCELLED)), None)
    monkeypatch.setattr(orders, "unsettled", lambda: [stale])

    # Then
    assert (sweep()["repaired"], sweep()["left"]) == ([], [])
    assert stepfunctions.executions == {}


def test_an_order_that_somebody_else_redrives_meanwhile_is_left_to_them(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given: between the sweeper's look at the execution and its own redrive, an operator's
    orders.add(Change(an_order().build()), None)
    stepfunctions.states[ORDER_ID] = "FAILED"
    change = service.change
    asked = []

    def redriven_meanwhile(
        orders: FakeOrders, order_id: str, decide: Callable[[Order], Change]
    ) -> Order:
        asked.append(order_id)
        order = orders.get(order_id)
        orders.save(order, Change(replace(order, redrives=1, version=order.version + 1)))
        stepfunctions.states[f"{ORDER_ID}-r1"] = "RUNNING"
        return change(orders, order_id, decide)

    monkeypatch.setattr(service, "change", redriven_meanwhile)

    # When
    report = sweep()

    # Then
    assert asked == [ORDER_ID]
    assert (report["repaired"], report["left"]) == ([], [])
    assert stepfunctions.executions == {}


def test_one_order_that_cannot_be_repaired_does_not_keep_the_others_from_it(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    ids = [ORDER_ID, f"{ORDER_ID[:-1]}2"]
    for order_id in ids:
        orders.add(Change(an_order().with_id(order_id).build()), None)
    start = stepfunctions.start_execution

    def refuse_the_first(**request: str) -> dict[str, Any]:
        stepfunctions.refuse_with = "ThrottlingException" if request["name"] == ids[0] else None
        try:
            return start(**request)  # type: ignore[arg-type]
        finally:
            stepfunctions.refuse_with = None

    monkeypatch.setattr(stepfunctions, "start_execution", refuse_the_first)

    # When
    report = sweep()

    # Then
    assert report["left"] == [{"order_id": ids[0], "what": "SagaNotStarted"}]
    assert report["repaired"] == [{"order_id": ids[1], "what": "started"}]


def test_an_engine_that_does_not_answer_is_reported(
    sweep: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(Change(an_order().build()), None)
    stepfunctions.refuse_with = "ServiceUnavailable"

    # Then
    assert sweep()["left"] == [{"order_id": ORDER_ID, "what": "SagaUnreachable"}]


def test_a_sweep_whose_time_is_up_leaves_the_rest_to_the_next(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    orders.add(Change(an_order().build()), None)
    monkeypatch.setattr(rounds, "_BUDGET_SECONDS", -1.0)

    # When
    report = sweep()

    # Then
    assert (report["looked_at"], report["behind"]) == (0, True)
    assert stepfunctions.executions == {}


def test_many_waiting_orders_do_not_starve_newer_ones(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given orders that wait, before one whose saga is gone, and time for one of them a sweep
    waiting = [f"{ORDER_ID[:-1]}{number}" for number in (1, 2)]
    newest = f"{ORDER_ID[:-1]}3"
    for order_id in waiting:
        orders.add(Change(an_order().with_id(order_id).awaiting_payment().build()), None)
        stepfunctions.states[order_id] = "RUNNING"
    orders.add(Change(an_order().with_id(newest).build()), None)
    seconds = itertools.cycle([0.0, 45.0, 45.1])
    monkeypatch.setattr(rounds.time, "monotonic", lambda: next(seconds))

    # When
    sweeps = [sweep() for _ in waiting]
    monkeypatch.setattr(rounds.time, "monotonic", lambda: 0.0)
    last, again = sweep(), sweep()

    # Then each sweep continues where the one before stopped, and a new round follows
    assert [each["behind"] for each in (*sweeps, last, again)] == [True, True, False, False]
    assert last["repaired"] == [{"order_id": newest, "what": "started"}]
    assert [each["looked_at"] for each in (*sweeps, last, again)] == [1, 1, 1, 3]


def test_a_sweep_that_falls_behind_says_so(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given
    orders.add(Change(an_order().build()), None)
    monkeypatch.setattr(rounds, "_BUDGET_SECONDS", -1.0)

    # When
    sweep()

    # Then
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["SweepBehind"] for line in lines if "_aws" in line] == [[1.0]]


def test_one_unreadable_row_does_not_stop_a_sweep(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given
    order = an_order().build()
    orders.add(Change(order), None)
    broken = Unreadable(Position("2026-03-01T09:30:00.000Z", "ord_broken"), "KeyError")
    monkeypatch.setattr(orders, "unsettled", lambda: [broken, order])

    # When
    report = sweep()

    # Then
    assert report["repaired"] == [{"order_id": ORDER_ID, "what": "started"}]
    assert report["left"] == [{"order_id": "ord_broken", "what": "unreadable: KeyError"}]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["SweepFailed"] for line in lines if "_aws" in line] == [[1.0]]


def test_an_order_whose_check_fails_unexpectedly_does_not_stop_a_sweep(
    sweep: Any,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given an order that became unreadable since the index was read
    order = an_order().build()
    orders.add(Change(order), None)
    monkeypatch.setattr(
        orders, "unsettled", lambda: [replace(order, order_id=f"{ORDER_ID[:-1]}0"), order]
    )

    # When
    report = sweep()

    # Then
    assert report["repaired"] == [{"order_id": ORDER_ID, "what": "started"}]
    assert report["left"] == [{"order_id": f"{ORDER_ID[:-1]}0", "what": "NotFound"}]


def test_an_empty_shop_is_swept_in_no_time(sweep: Any) -> None:
    assert sweep() == {
        "service": "order",
        "looked_at": 0,
        "repaired": [],
        "left": [],
        "behind": False,
        "parked": 0,
        "oldest_open_seconds": 0,
    }
