"""The fault matrix is no proof unless a fault that did not happen fails it."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest

from support.fault_marks import ERRORS, Evidence, NotShown, proof_of, unexplained_errors
from support.faults import (
    STEPS,
    Cell,
    Fault,
    Strike,
    completed_in_vain,
    expected_end,
    pairs_of_faults,
    single_faults,
)

PAID = {"status": "PAID", "version": 3}
COMPLETED = {"status": "COMPLETED", "version": 4}


def a_mark(fault: Fault, **details: Any) -> dict[str, Any]:
    return {"task": "CompleteOrder", "fault": fault, "before": PAID, "after": COMPLETED, **details}


def a_delivery(delivery: str, pid: int, began: float, **details: Any) -> dict[str, Any]:
    times = {"began": began, "ended": began + 2.0}
    outcome = details or {"answer": {"status": "COMPLETED"}}
    return a_mark(Fault.TWICE, delivery=delivery, pid=pid, **times, **outcome)


def prove(fault: Fault, *marks: Mapping[str, Any], errors: tuple[str, ...] | None = None) -> str:
    strike = Strike("CompleteOrder", fault)
    met = errors if errors is not None else tuple(filter(None, [ERRORS.get(fault)]))
    return proof_of(strike, Cell((strike,)), Evidence(marks, {"CompleteOrder": met}, ()))


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.TIMEOUT, Fault.KILLED])
def test_a_fault_after_its_effect_shows_the_effect(fault: Fault) -> None:
    assert prove(fault, a_mark(fault)) == f"COMPLETED, {ERRORS[fault]}"


@pytest.mark.parametrize("fault", [Fault.AFTER, Fault.TIMEOUT, Fault.KILLED])
@pytest.mark.parametrize(
    "after", [None, PAID, {"status": "COMPLETED", "version": 3}, {"status": "PAID", "version": 4}]
)
def test_a_fault_whose_effect_did_not_come_first_is_not_shown(
    fault: Fault, after: Mapping[str, Any] | None
) -> None:
    with pytest.raises(NotShown, match="had no effect"):
        prove(fault, a_mark(fault, after=after))


def test_a_fault_before_its_effect_that_had_one_is_not_shown() -> None:
    with pytest.raises(NotShown, match="had an effect"):
        prove(Fault.BEFORE, a_mark(Fault.BEFORE))


@pytest.mark.parametrize("fault", [Fault.BEFORE, Fault.AFTER, Fault.TIMEOUT, Fault.KILLED])
def test_a_fault_that_left_no_mark_is_not_shown(fault: Fault) -> None:
    with pytest.raises(NotShown, match="no mark"):
        prove(fault)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.TWICE])
def test_a_fault_that_the_execution_did_not_meet_is_not_shown(fault: Fault) -> None:
    with pytest.raises(NotShown, match="the execution met"):
        prove(fault, a_mark(fault), errors=())


def test_two_deliveries_at_a_time_are_shown() -> None:
    first, second = a_delivery("first", 1, 10.0), a_delivery("second", 2, 11.0)

    assert prove(Fault.TWICE, first, second) == "two workers, the same answer"


def test_a_delivery_may_meet_what_the_state_machine_retries() -> None:
    refused = a_delivery("second", 2, 11.0, refusal="StorageContention")

    proof = prove(Fault.TWICE, a_delivery("first", 1, 10.0), refused)

    assert proof == "two workers, one met StorageContention"


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (a_delivery("second", 1, 11.0), "one worker had both"),
        (a_delivery("second", 2, 12.5), "ended before the other began"),
        (a_delivery("second", 2, 11.0, answer={"status": "PAID"}), "different answers"),
        (a_delivery("second", 2, 11.0, refusal="IllegalTransition"), "refused by"),
    ],
)
def test_two_deliveries_that_are_none_are_not_shown(second: Mapping[str, Any], why: str) -> None:
    with pytest.raises(NotShown, match=why):
        prove(Fault.TWICE, a_delivery("first", 1, 10.0), second)


def test_one_delivery_is_not_two() -> None:
    with pytest.raises(NotShown):
        prove(Fault.TWICE, a_delivery("first", 1, 10.0))


def test_two_refusals_are_no_answer() -> None:
    with pytest.raises(NotShown, match="different answers"):
        prove(
            Fault.TWICE,
            a_delivery("first", 1, 10.0, refusal="StorageContention"),
            a_delivery("second", 2, 11.0, refusal="StorageContention"),
        )


def test_an_error_that_no_fault_accounts_for_is_named() -> None:
    cell = Cell((Strike("CompleteOrder", Fault.KILLED),))
    errors = {"CompleteOrder": ("Runtime.ExitError", "KeyError"), "CommitStock": ("KeyError",)}

    found = unexplained_errors(cell, Evidence((), errors, ()))

    assert found == ["CompleteOrder met KeyError", "CommitStock met KeyError"]


def test_of_a_pair_each_three_of_step_fault_compensation_and_fault_occur_together() -> None:
    def threes(cells: list[Cell]) -> set[tuple[tuple[int, str], ...]]:
        parts = [[part for strike in cell.strikes for part in strike] for cell in cells]
        return {three for four in parts for three in combinations(enumerate(four), 3)}

    pairs = pairs_of_faults()
    steps = [Strike(step, fault) for step in STEPS for fault in Fault]
    undoing = {cell.strikes[1] for cell in pairs}
    # A CompleteOrder that works in the end leaves nothing to undo.
    possible = [
        Cell((one, other))
        for one in steps
        for other in undoing
        if one.task != "CompleteOrder" or one.fault is Fault.BEFORE
    ]

    assert threes(pairs) == threes(possible)


def test_no_cell_is_played_twice_and_each_has_an_end() -> None:
    cells = [*single_faults(), *completed_in_vain(), *pairs_of_faults()]

    assert len(set(map(str, cells))) == len(cells)
    assert {expected_end(cell).final for cell in cells} == {"COMPLETED", "CANCELLED"}
