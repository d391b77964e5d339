"""What an order's saga did, from its executions' histories."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, a_request, an_order
from order import api, domain
from order.saga_view import MAX_EXECUTIONS, execution_view, saga_view
from shared.clock import to_iso
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

# Of real orders on the local engine, without what states were given and returned.
HISTORIES = Path(__file__).parent / "histories"
UNDONE = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")


def recorded(name: str) -> list[dict[str, Any]]:
    """Returns a recorded history, as boto3 returns one."""
    events: list[dict[str, Any]] = json.loads((HISTORIES / f"{name}.json").read_text("utf-8"))
    return [{**event, "timestamp": datetime.fromisoformat(event["timestamp"])} for event in events]


def at(second: float) -> datetime:
    return PLACED_AT + timedelta(seconds=second)


def event(second: float, kind: str, **details: Mapping[str, str]) -> dict[str, Any]:
    return {"timestamp": at(second), "type": kind, **details}


def entered(second: float, name: str, kind: str = "Task") -> dict[str, Any]:
    return event(second, f"{kind}StateEntered", stateEnteredEventDetails={"name": name})


def left(second: float, name: str) -> dict[str, Any]:
    return event(second, "TaskStateExited", stateExitedEventDetails={"name": name})


def failed(second: float, kind: str, error: str) -> dict[str, Any]:
    """An event about a failure; each kind has the error in a part of its own."""
    part = f"{kind[0].lower()}{kind[1:]}EventDetails"
    return {**event(second, kind), part: {"error": error}}


def charging(*events: dict[str, Any]) -> dict[str, Any]:
    """Returns the view of ChargePayment, entered at second 0, after these events."""
    history = [event(0, "ExecutionStarted"), entered(0, "ChargePayment"), *events]
    (state,) = execution_view(ORDER_ID, history)["states"]
    return dict(state)


def outcomes(execution: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(state["name"], state["outcome"]) for state in execution["states"]]


def test_a_completed_order_went_through_every_step_once() -> None:
    # When
    execution = execution_view(ORDER_ID, recorded("completed"))

    # Then
    assert execution["status"] == "SUCCEEDED"
    assert outcomes(execution) == [
        (name, "succeeded")
        for name in (
            "ResumeOrBegin",
            "ReserveStock",
            "RecordReservation",
            "PaymentGiven",
            "ChargePayment",
            "RecordPayment",
            "CreateShipment",
            "CommitStock",
            "CompleteOrder",
            "OrderCompleted",
        )
    ]
    times = [
        time for state in execution["states"] for time in (state["entered_at"], state["exited_at"])
    ]
    assert times == sorted(times)
    assert execution["started_at"] <= times[0]
    assert times[-1] <= execution["ended_at"]


def test_a_step_that_was_retried_tells_how_often_and_why() -> None:
    # Given: tok_flaky fails twice.
    states = execution_view(ORDER_ID, recorded("completed"))["states"]

    # When
    (charge,) = [state for state in states if state["name"] == "ChargePayment"]

    # Then
    assert charge["outcome"] == "succeeded"
    assert charge["attempts"] == 3
    assert charge["error"] == "PaymentProviderUnavailable"
    assert {state["attempts"] for state in states if state["type"] == "Choice"} == {0}


def test_an_order_that_waits_is_in_its_last_state() -> None:
    # When
    view = saga_view(an_order().build(), lambda _: recorded("waiting"))

    # Then
    (execution,) = view["executions"]
    assert view["current"] == "AwaitPayment"
    assert (execution["status"], execution["ended_at"]) == ("RUNNING", None)
    assert outcomes(execution)[-1] == ("AwaitPayment", "running")
    assert execution["states"][-1]["exited_at"] is None


def test_a_cancelled_order_shows_the_failure_and_then_the_compensations() -> None:
    # When
    execution = execution_view(ORDER_ID, recorded("cancelled"))

    # Then
    assert outcomes(execution)[-6:] == [
        ("ClosePaymentWindow", "failed"),
        ("BeginCancellation", "succeeded"),
        ("ChooseFirstCompensation", "succeeded"),
        ("ReleaseStock", "succeeded"),
        ("CancelOrder", "succeeded"),
        ("OrderCancelled", "succeeded"),
    ]
    (failed,) = [state for state in execution["states"] if state["outcome"] == "failed"]
    assert failed["error"] == "CancelledByCustomer"


def test_a_parked_order_ends_in_the_state_that_fails() -> None:
    # When
    execution = execution_view(ORDER_ID, recorded("parked"))

    # Then
    last = execution["states"][-1]
    assert execution["status"] == "FAILED"
    assert (last["name"], last["type"], last["outcome"]) == ("NeedsAttention", "Fail", "failed")
    assert (last["error"], last["exited_at"]) == ("NeedsAttention", execution["ended_at"])


def test_a_redriven_order_shows_both_executions() -> None:
    # Given
    histories = {ORDER_ID: recorded("parked"), f"{ORDER_ID}-r1": recorded("redriven")}
    order = replace(an_order().build(), redrives=1)

    # When
    view = saga_view(order, histories.__getitem__)

    # Then
    first, second = view["executions"]
    assert (first["status"], second["status"]) == ("FAILED", "SUCCEEDED")
    assert [state for state, _ in outcomes(second) if state in UNDONE] == list(UNDONE)
    assert view["current"] is None


@pytest.mark.parametrize(
    ("events", "outcome", "error"),
    [
        ([event(1, "TaskScheduled")], "running", None),
        ([event(1, "TaskScheduled"), event(2, "TaskSubmitted")], "running", None),
        ([failed(1, "TaskFailed", "A")], "retrying", "A"),
        ([failed(1, "TaskTimedOut", "T")], "retrying", "T"),
        ([failed(1, "TaskStartFailed", "S")], "retrying", "S"),
        ([failed(1, "TaskSubmitFailed", "S")], "retrying", "S"),
        ([failed(1, "EvaluationFailed", "E")], "retrying", "E"),
        ([failed(1, "TaskFailed", "A"), event(2, "TaskScheduled")], "running", "A"),
        ([failed(1, "TaskFailed", "A"), left(2, "ChargePayment")], "failed", "A"),
        ([event(1, "TaskSucceeded"), left(2, "ChargePayment")], "succeeded", None),
        ([failed(1, "ExecutionAborted", "Stopped")], "failed", "Stopped"),
        ([event(1, "ExecutionTimedOut", executionTimedOutEventDetails={})], "failed", None),
        ([event(1, "AnEventOfTomorrow")], "running", None),
    ],
)
def test_a_state_is_what_its_last_event_says(
    events: list[dict[str, Any]], outcome: str, error: str | None
) -> None:
    state = charging(*events)

    assert (state["outcome"], state["error"]) == (outcome, error)


def test_a_state_that_was_entered_twice_is_told_twice() -> None:
    # Given
    history = [entered(0, "A"), left(1, "A"), entered(1, "B"), left(2, "B"), entered(2, "A")]

    # Then
    assert outcomes(execution_view(ORDER_ID, history)) == [
        ("A", "succeeded"),
        ("B", "succeeded"),
        ("A", "running"),
    ]


def test_nothing_that_a_state_was_given_is_told() -> None:
    # Given: an engine that tells everything.
    def telling() -> Iterator[dict[str, Any]]:
        for known in recorded("parked"):
            details = {
                name: {**part, "input": "tok_visa", "output": "tok_visa", "cause": "tok_visa"}
                for name, part in known.items()
                if name.endswith("EventDetails")
            }
            yield {**known, **details}

    # Then
    assert "tok_visa" not in json.dumps(execution_view(ORDER_ID, telling()))


def test_an_execution_that_is_not_known_has_no_status() -> None:
    # When
    view = saga_view(an_order().build(), lambda _: [])

    # Then
    assert view["current"] is None
    assert view["executions"] == [
        {"name": ORDER_ID, "status": None, "started_at": None, "ended_at": None, "states": []}
    ]


def test_of_many_executions_the_latest_are_read() -> None:
    # Given
    read: list[str] = []

    def history_of(name: str) -> list[dict[str, Any]]:
        read.append(name)
        return []

    # When
    saga_view(replace(an_order().build(), redrives=25), history_of)

    # Then
    assert len(read) == MAX_EXECUTIONS
    assert read[-1] == f"{ORDER_ID}-r25"


@pytest.fixture
def get_saga(
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
    stack_tokens: Tokens,
) -> Any:
    def get(order_id: str = ORDER_ID) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {stack_tokens.for_order(ORDER_ID, PLACED_AT)}"}
        request = a_request("GET", "/orders/{order_id}/saga", headers=headers, order_id=order_id)
        response = api.handler(request, lambda_context)
        return response["statusCode"], json.loads(response["body"])

    return get


def test_a_long_history_is_read_to_its_end(
    get_saga: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)
    stepfunctions.histories[ORDER_ID] = recorded("completed")
    stepfunctions.pages_of = 7

    # When
    status, body = get_saga()

    # Then
    assert status == 200
    assert body["executions"] == [execution_view(ORDER_ID, recorded("completed"))]


def test_an_order_that_does_not_exist_has_no_saga(get_saga: Any) -> None:
    assert get_saga("ord_none")[0] == 404


def test_an_execution_that_never_started_is_told_as_unknown(
    get_saga: Any, orders: FakeOrders
) -> None:
    orders.add(domain.place(an_order().build(), ORIGIN), None)

    status, body = get_saga()

    assert (status, body["executions"][0]["status"]) == (200, None)


def test_an_engine_that_does_not_answer_is_busy(
    get_saga: Any, orders: FakeOrders, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)
    stepfunctions.refuse_with = "ThrottlingException"

    # Then
    status, body = get_saga()
    assert (status, body["code"]) == (503, "SERVICE_BUSY")


def test_times_are_told_as_everywhere() -> None:
    assert charging()["entered_at"] == to_iso(at(0))
