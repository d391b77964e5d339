"""Every way that an order can take through the saga."""

import json

import pytest

from support.saga_definition import tasks
from support.saga_run import Scenario, an_order

UNDO = ("RefundPayment", "ReleaseStock", "CancelOrder", "OrderCancelled")
# In the order in which they run; each is preceded by those before it.
FORWARD = (
    "ReserveStock",
    "RecordReservation",
    "ChargePayment",
    "RecordPayment",
    "CommitStock",
    "CompleteOrder",
)
# What undoes the effects of the steps up to and including this one.
UNDO_OF = {
    "ReserveStock": UNDO[1:],
    "RecordReservation": UNDO[1:],
    "ChargePayment": UNDO,
    "RecordPayment": UNDO,
    "CommitStock": UNDO,
    "CompleteOrder": UNDO,
}
NOTES = {
    "RefundPayment": "NoteRefundFailed",
    "ReleaseStock": "NoteReleaseFailed",
    "CancelOrder": "NoteCancelFailed",
}


def up_to(step: str) -> tuple[str, ...]:
    return FORWARD[: FORWARD.index(step) + 1]


def test_an_order_is_reserved_charged_committed_and_completed(run: Scenario) -> None:
    outcome = run.given(an_order()).then_path(*FORWARD, "OrderCompleted")

    assert outcome.status == "SUCCEEDED"
    assert outcome.waits == ()


@pytest.mark.parametrize("reason", ["OutOfStock", "UnknownProduct"])
def test_an_order_that_cannot_be_reserved_is_cancelled_with_nothing_to_undo(
    run: Scenario, reason: str
) -> None:
    outcome = run.when("ReserveStock", fails_with=reason).then_path(
        "ReserveStock", "CancelOrder", "OrderCancelled"
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.payload("CancelOrder")["failure"]["Error"] == reason


def test_a_declined_payment_gives_the_stock_back_and_refunds_nothing(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentDeclined").then_path(
        *up_to("ChargePayment"), "ReleaseStock", "CancelOrder", "OrderCancelled"
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.attempts("ChargePayment") == 1


def test_a_charge_whose_outcome_is_unknown_is_refunded_without_asking_twice(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentOutcomeUnknown").then_path(
        *up_to("ChargePayment"), *UNDO
    )

    assert outcome.attempts("ChargePayment") == 1


@pytest.mark.parametrize("step", FORWARD)
@pytest.mark.parametrize("failure", ["KeyError", "StepAlreadyUndone", "Runtime.ImportModuleError"])
def test_a_step_that_breaks_is_undone_in_reverse_order(
    run: Scenario, step: str, failure: str
) -> None:
    outcome = run.when(step, fails_with=failure).then_path(*up_to(step), *UNDO_OF[step])

    assert outcome.status == "SUCCEEDED"
    assert outcome.attempts(step) == 1, "a failure that stays is not retried"
    assert outcome.payload("CancelOrder")["failure"]["Error"] == failure


@pytest.mark.parametrize("compensation", NOTES)
def test_a_compensation_that_breaks_parks_the_order_for_an_operator(
    run: Scenario, compensation: str
) -> None:
    undone = UNDO[: UNDO.index(compensation) + 1]
    outcome = (
        run.when("CommitStock", fails_with="KeyError")
        .when(compensation, fails_with="TypeError")
        .then_path(
            *up_to("CommitStock"),
            *undone,
            NOTES[compensation],
            "FlagForAttention",
            "NeedsAttention",
        )
    )

    assert (outcome.status, outcome.error) == ("FAILED", "NeedsAttention")
    flagged = outcome.payload("FlagForAttention")
    assert flagged["compensation"] == compensation
    assert flagged["failure"]["Error"] == "KeyError"
    assert flagged["compensation_failure"]["Error"] == "TypeError"


def test_an_order_that_cannot_even_be_flagged_fails_its_execution(run: Scenario) -> None:
    outcome = (
        run.when("ReserveStock", fails_with="OutOfStock")
        .when("CancelOrder", fails_with="KeyError")
        .when("FlagForAttention", fails_with="KeyError")
        .then_path(
            "ReserveStock", "CancelOrder", "NoteCancelFailed", "FlagForAttention", "SagaAbandoned"
        )
    )

    assert (outcome.status, outcome.error) == ("FAILED", "SagaAbandoned")


def test_every_step_learns_whose_order_it_works_on(run: Scenario) -> None:
    completed = run.then()
    parked = (
        run.when("CompleteOrder", fails_with="KeyError")
        .when("CancelOrder", fails_with="KeyError")
        .then()
    )

    payloads = [payload for _, payload in completed.calls + parked.calls]
    assert {step for step, _ in completed.calls + parked.calls} == set(tasks())
    assert {payload["order_id"] for payload in payloads} == {an_order()["order_id"]}
    assert {payload["correlation_id"] for payload in payloads} == {"cor_01"}
    assert all(payload["execution"].startswith("execution-") for payload in payloads)


def test_each_step_gets_what_it_needs_and_no_more(run: Scenario) -> None:
    outcome = run.given(an_order(payment={"token": "tok_flaky"})).then()

    own = {
        step: {
            key: value
            for key, value in payload.items()
            if key not in ("order_id", "correlation_id", "execution")
        }
        for step, payload in outcome.calls
    }
    reservation = {
        "lines": [
            {"sku": "product-001", "name": "Laptop", "quantity": 2, "unit_price_cents": 129_900}
        ],
        "total_cents": 259_800,
        "currency": "USD",
    }
    payment = {
        "payment_id": "pay_01",
        "status": "CAPTURED",
        "amount_cents": 259_800,
        "currency": "USD",
    }
    assert own == {
        "ReserveStock": {"items": [{"sku": "product-001", "quantity": 2}]},
        "RecordReservation": {"reservation": reservation},
        "ChargePayment": {"amount_cents": 259_800, "currency": "USD", "token": "tok_flaky"},
        "RecordPayment": {"payment": payment},
        "CommitStock": {},
        "CompleteOrder": {},
    }


def test_compensations_get_no_more_than_the_order(run: Scenario) -> None:
    outcome = run.when("CommitStock", fails_with="KeyError").then()

    common = {"order_id", "correlation_id", "execution"}
    assert set(outcome.payload("RefundPayment")) == common
    assert set(outcome.payload("ReleaseStock")) == common
    assert set(outcome.payload("CancelOrder")) == common | {"failure"}


def test_the_cause_of_a_failure_reaches_the_order_as_the_function_told_it(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentDeclined").then()

    failure = outcome.payload("CancelOrder")["failure"]
    assert failure["Error"] == "PaymentDeclined"
    assert json.loads(failure["Cause"])["errorMessage"] == "scripted PaymentDeclined"
