"""The count of what the saga's tests take, and when it fails a run."""

import pytest

from support.saga_coverage import Level, Report
from support.saga_definition import Transition, states, transitions
from support.saga_history import entered_states, taken_transitions, transition_between


@pytest.fixture
def report() -> Report:
    """Everything taken on the way of faked functions, and nothing elsewhere."""
    report = Report()
    report.levels[Level.PATH].add(states(), transitions())
    return report


def test_a_run_of_some_tests_says_nothing_about_coverage(report: Report) -> None:
    assert report.missing() == []


def test_a_complete_level_that_left_something_out_fails_and_names_it(report: Report) -> None:
    # Given tests that all ran, and never saw a refund get stuck
    report.complete.add(Level.PATH)
    stuck = Transition("RefundPayment", "Catch[0]", "FlagForAttention")
    report.levels[Level.PATH].transitions.remove(stuck)
    report.levels[Level.PATH].states.remove("FlagForAttention")

    # Then both are named
    assert report.missing() == [
        "path: never entered FlagForAttention",
        "path: never took RefundPayment --Catch[0]--> FlagForAttention",
    ]


def test_a_level_that_took_everything_misses_nothing(report: Report) -> None:
    report.complete.add(Level.PATH)

    assert report.missing() == []


def test_the_table_has_a_line_for_every_state_and_every_way_out_of_it(report: Report) -> None:
    lines = report.lines()

    assert len(lines) == 1 + len(states()) + len(transitions()) + 2
    assert lines[0].split() == ["path"]
    assert lines[-1].split() == [str(len(transitions())), "transitions", str(len(transitions()))]


def test_the_way_out_of_a_state_is_told_by_its_last_attempt() -> None:
    # Given a reservation that stumbled once, and a price list that could not be written
    def entered(name: str) -> dict[str, object]:
        return {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}}

    def failed(error: str) -> dict[str, object]:
        return {"type": "TaskFailed", "taskFailedEventDetails": {"error": error}}

    history = [
        entered("ReserveStock"),
        failed("StockContention"),
        {"type": "TaskSucceeded"},
        entered("RecordReservation"),
        failed("KeyError"),
        entered("BeginCancellation"),
    ]

    # Then the first went on, and the second was caught
    assert entered_states(history) == ["ReserveStock", "RecordReservation", "BeginCancellation"]
    assert taken_transitions(history) == [
        Transition("ReserveStock", "Next", "RecordReservation"),
        Transition("RecordReservation", "Catch[1]", "BeginCancellation"),
    ]


def test_a_wait_that_ended_is_told_from_one_that_was_answered() -> None:
    ways = [
        transition_between("AwaitPayment", "ClosePaymentWindow", error)
        for error in (None, "States.Timeout")
    ]

    assert [way.via for way in ways] == ["Next", "Catch[0]"]
