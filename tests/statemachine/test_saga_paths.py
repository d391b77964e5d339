"""Every way that an order can take through the saga."""

import json

import pytest

from support.saga_definition import tasks
from support.saga_run import (
    LATE_TOKEN,
    REFUND,
    RESERVATION,
    SHIPMENT,
    Outcome,
    Scenario,
    an_order,
    an_order_that_turned_back,
    an_unpaid_order,
)

COMPENSATIONS = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")
# What comes before the first compensation, whichever that is.
TURN = ("BeginCancellation", "ChooseFirstCompensation")
UNDO, GIVE_MONEY_BACK, GIVE_STOCK_BACK, SAY_NO = (
    (*TURN, *COMPENSATIONS[first:], "OrderCancelled") for first in range(4)
)
# In the order in which they run; each is preceded by those before it.
FORWARD = (
    "ReserveStock",
    "RecordReservation",
    "ChargePayment",
    "RecordPayment",
    "CreateShipment",
    "CommitStock",
    "CompleteOrder",
)
# The same, for an order that is paid later.
FORWARD_LATER = (*FORWARD[:2], "AwaitPayment", "ClosePaymentWindow", *FORWARD[2:])
# A cancellation that one of these raises comes before anything was charged.
BEFORE_THE_CHARGE = ("RecordReservation", "ClosePaymentWindow")
COMMON = {"step", "task"}


def with_choices(*steps: str) -> tuple[str, ...]:
    """Adds the choices that a way from the beginning passes."""
    path: list[str] = ["ResumeOrBegin"]
    for step in steps:
        if step in ("ChargePayment", "AwaitPayment") and path[-1] == "RecordReservation":
            path.append("PaymentGiven")
        path.append(step)
    return tuple(path)


def up_to(step: str, forward: tuple[str, ...] = FORWARD) -> tuple[str, ...]:
    return with_choices(*forward[: forward.index(step) + 1])


def why_it_turned_back(outcome: Outcome) -> str:
    """The error that the order's row is told."""
    error: str = outcome.payload("BeginCancellation")["failure"]["Error"]
    return error


def test_an_order_is_reserved_charged_shipped_committed_and_completed(run: Scenario) -> None:
    outcome = run.given(an_order()).then_path(*up_to("CompleteOrder"), "OrderCompleted")

    assert outcome.status == "SUCCEEDED"
    assert outcome.waits == ()


@pytest.mark.parametrize("call_is_lost", [False, True], ids=["woken", "call lost"])
def test_an_order_that_is_paid_later_waits_and_goes_on_with_that_payment(
    run: Scenario, call_is_lost: bool
) -> None:
    outcome = (
        run.given(an_unpaid_order(payment_wait_seconds=42))
        .when_customer_pays(call_is_lost=call_is_lost)
        .then_path(*up_to("CompleteOrder", FORWARD_LATER), "OrderCompleted")
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.payload("ChargePayment")["token"] == LATE_TOKEN
    assert outcome.unanswered == ((("AwaitPayment", 42 + 2),) if call_is_lost else ())


def test_an_order_whose_customer_stays_away_expires_and_gives_the_stock_back(
    run: Scenario,
) -> None:
    outcome = (
        run.given(an_unpaid_order(payment_wait_seconds=7))
        .when_customer_stays_away()
        .then_path(*up_to("ClosePaymentWindow", FORWARD_LATER), *GIVE_STOCK_BACK)
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.unanswered == (("AwaitPayment", 7 + 2),), "the window closes first"
    assert outcome.attempts("AwaitPayment") == 1, "a time that is over is not waited for again"
    assert why_it_turned_back(outcome) == "PaymentExpired"


def test_an_order_that_is_cancelled_while_it_waits_gives_the_stock_back(run: Scenario) -> None:
    outcome = (
        run.given(an_unpaid_order())
        .when_customer_cancels()
        .then_path(*up_to("ClosePaymentWindow", FORWARD_LATER), *GIVE_STOCK_BACK)
    )

    assert outcome.unanswered == ()
    assert why_it_turned_back(outcome) == "CancelledByCustomer"


@pytest.mark.parametrize(
    "step", ["RecordReservation", "ClosePaymentWindow", "RecordPayment", "CompleteOrder"]
)
def test_a_cancellation_is_noticed_at_every_step_of_the_order_and_undoes_what_was_done(
    run: Scenario, step: str
) -> None:
    outcome = (
        run.given(an_unpaid_order())
        .when(step, fails_with="CancelledByCustomer")
        .then_path(
            *up_to(step, FORWARD_LATER),
            *(GIVE_STOCK_BACK if step in BEFORE_THE_CHARGE else UNDO),
        )
    )

    assert outcome.attempts(step) == 1
    assert why_it_turned_back(outcome) == "CancelledByCustomer"


@pytest.mark.parametrize("reason", ["OutOfStock", "UnknownProduct"])
def test_an_order_that_cannot_be_reserved_is_cancelled_with_nothing_to_undo(
    run: Scenario, reason: str
) -> None:
    outcome = run.when("ReserveStock", fails_with=reason).then_path(*up_to("ReserveStock"), *SAY_NO)

    assert outcome.status == "SUCCEEDED"
    assert why_it_turned_back(outcome) == reason
    assert outcome.payload("CancelOrder")["refund"] is None


def test_a_declined_payment_gives_the_stock_back_and_refunds_nothing(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentDeclined").then_path(
        *up_to("ChargePayment"), *GIVE_STOCK_BACK
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.attempts("ChargePayment") == 1


def test_a_charge_whose_outcome_is_unknown_is_refunded_without_asking_twice(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentOutcomeUnknown").then_path(
        *up_to("ChargePayment"), *UNDO
    )

    assert outcome.attempts("ChargePayment") == 1


def test_a_rejected_shipment_gives_the_money_back_and_cancels_no_parcel(run: Scenario) -> None:
    outcome = run.when("CreateShipment", fails_with="ShipmentRejected").then_path(
        *up_to("CreateShipment"), *GIVE_MONEY_BACK
    )

    assert outcome.attempts("CreateShipment") == 1
    assert why_it_turned_back(outcome) == "ShipmentRejected"
    assert outcome.payload("CancelOrder")["refund"] == REFUND


@pytest.mark.parametrize("step", FORWARD_LATER)
@pytest.mark.parametrize("failure", ["KeyError", "StepAlreadyUndone", "Runtime.ImportModuleError"])
def test_a_step_that_breaks_is_undone_in_reverse_order(
    run: Scenario, step: str, failure: str
) -> None:
    outcome = (
        run.given(an_unpaid_order())
        .when(step, fails_with=failure)
        .then_path(*up_to(step, FORWARD_LATER), *UNDO)
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.attempts(step) == 1, "a failure that stays is not retried"
    assert why_it_turned_back(outcome) == failure


@pytest.mark.parametrize("step", FORWARD_LATER)
def test_an_order_that_is_complete_already_is_not_undone(run: Scenario, step: str) -> None:
    # Given a step that never answers, of an order whose row says that it is complete
    outcome = (
        run.given(an_unpaid_order())
        .when(step, fails_with="Lambda.Unknown")
        .when_order_is("COMPLETED")
        .then_path(*up_to(step, FORWARD_LATER), *TURN, "OrderCompleted")
    )

    assert outcome.status == "SUCCEEDED"
    assert not set(outcome.path) & set(COMPENSATIONS)


def test_complete_order_that_fails_after_its_effect_keeps_the_order_complete(run: Scenario) -> None:
    run.when("CompleteOrder", fails_with="KeyError").when_order_is("COMPLETED").then_path(
        *up_to("CompleteOrder"), *TURN, "OrderCompleted"
    )


def test_an_order_that_is_cancelled_already_is_not_undone_again(run: Scenario) -> None:
    outcome = (
        run.given(an_order_that_turned_back())
        .when_order_is("CANCELLED")
        .then_path("ResumeOrBegin", *TURN, "OrderCancelled")
    )

    assert outcome.status == "SUCCEEDED"


@pytest.mark.parametrize("status", ["CANCELLING", "NEEDS_ATTENTION"])
def test_an_order_that_turned_back_before_is_undone_all_the_same(
    run: Scenario, status: str
) -> None:
    run.when("CommitStock", fails_with="StepAlreadyUndone").when_order_is(status).then_path(
        *up_to("CommitStock"), *UNDO
    )


def test_an_order_whose_turn_cannot_be_written_is_not_undone(run: Scenario) -> None:
    outcome = (
        run.when("CommitStock", fails_with="KeyError")
        .when("BeginCancellation", fails_with="KeyError")
        .then_path(*up_to("CommitStock"), "BeginCancellation", "SagaAbandoned")
    )

    assert (outcome.status, outcome.error) == ("FAILED", "SagaAbandoned")


@pytest.mark.parametrize(
    "step", ["RecordReservation", "AwaitPayment", "ClosePaymentWindow", "RecordPayment"]
)
def test_a_superseded_execution_that_goes_forward_ends_without_undoing_anything(
    run: Scenario, step: str
) -> None:
    outcome = (
        run.given(an_unpaid_order())
        .when(step, fails_with="ExecutionSuperseded")
        .when("BeginCancellation", fails_with="ExecutionSuperseded")
        .then_path(*up_to(step, FORWARD_LATER), "BeginCancellation", "Superseded")
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.attempts("BeginCancellation") == 1


def test_a_superseded_execution_that_undoes_leaves_the_end_to_the_newer_one(run: Scenario) -> None:
    outcome = (
        run.given(an_order_that_turned_back())
        .when("CancelOrder", fails_with="ExecutionSuperseded")
        .then_path("ResumeOrBegin", *TURN, *COMPENSATIONS, "Superseded")
    )

    assert outcome.status == "SUCCEEDED"


def test_a_superseded_execution_does_not_park_the_order(run: Scenario) -> None:
    outcome = (
        run.given(an_order_that_turned_back())
        .when("CancelShipment", fails_with="KeyError")
        .when("FlagForAttention", fails_with="ExecutionSuperseded")
        .then_path("ResumeOrBegin", *TURN, "CancelShipment", "FlagForAttention", "Superseded")
    )

    assert outcome.status == "SUCCEEDED"


@pytest.mark.parametrize("compensation", COMPENSATIONS)
def test_a_compensation_that_breaks_parks_the_order_for_an_operator(
    run: Scenario, compensation: str
) -> None:
    outcome = (
        run.when("CommitStock", fails_with="KeyError")
        .when(compensation, fails_with="TypeError")
        .then_path(
            *up_to("CommitStock"),
            *UNDO[: UNDO.index(compensation) + 1],
            "FlagForAttention",
            "NeedsAttention",
        )
    )

    assert (outcome.status, outcome.error) == ("FAILED", "NeedsAttention")
    assert why_it_turned_back(outcome) == "KeyError"
    flagged = outcome.payload("FlagForAttention")
    assert flagged["compensation"] == compensation
    assert flagged["compensation_failure"]["Error"] == "TypeError"


@pytest.mark.parametrize("payment", [{"token": "tok_visa"}, {"token": None}], ids=["paid", "not"])
def test_an_execution_of_an_order_that_turned_back_undoes_everything(
    run: Scenario, payment: dict[str, str | None]
) -> None:
    order = an_order_that_turned_back(payment=payment)

    outcome = run.given(order).then_path("ResumeOrBegin", *UNDO)

    assert outcome.status == "SUCCEEDED"
    assert outcome.payload("BeginCancellation")["failure"] == order["failure"]
    assert outcome.payload("CancelOrder")["refund"] == REFUND


@pytest.mark.parametrize("compensation", COMPENSATIONS)
def test_a_redrive_that_gets_stuck_again_is_parked_again(run: Scenario, compensation: str) -> None:
    outcome = (
        run.given(an_order_that_turned_back())
        .when(compensation, fails_with="TypeError")
        .then_path(
            "ResumeOrBegin",
            *UNDO[: UNDO.index(compensation) + 1],
            "FlagForAttention",
            "NeedsAttention",
        )
    )

    assert outcome.payload("FlagForAttention")["compensation"] == compensation


def test_an_order_that_cannot_even_be_flagged_fails_its_execution(run: Scenario) -> None:
    outcome = (
        run.when("ReserveStock", fails_with="OutOfStock")
        .when("CancelOrder", fails_with="KeyError")
        .when("FlagForAttention", fails_with="KeyError")
        .then_path(
            *up_to("ReserveStock"),
            *TURN,
            "CancelOrder",
            "FlagForAttention",
            "SagaAbandoned",
        )
    )

    assert (outcome.status, outcome.error) == ("FAILED", "SagaAbandoned")


def test_every_step_learns_whose_order_it_works_on(run: Scenario) -> None:
    completed = run.given(an_unpaid_order()).then()
    parked = (
        run.when("CompleteOrder", fails_with="KeyError")
        .when("CancelOrder", fails_with="KeyError")
        .then()
    )

    calls = completed.calls + parked.calls
    assert {step for step, _ in calls} == set(tasks())
    assert all(payload["step"] == step for step, payload in calls)
    whose = [payload["task"] | {"sequence": 1} for _, payload in calls]
    assert all(task == an_order()["task"] for task in whose)


def test_each_step_is_told_the_orders_version_as_the_saga_last_learned_it(run: Scenario) -> None:
    completed = run.given(an_unpaid_order()).then()
    # Given an undo, all of whose steps are tried again once
    undone = run.given(an_order_that_turned_back())
    for step in COMPENSATIONS:
        undone = undone.when(step, fails_with="StorageContention", times=1)

    def versions(outcome: Outcome) -> dict[str, int]:
        return {step: outcome.payload(step)["task"]["sequence"] for step, _ in outcome.calls}

    assert versions(completed) == {
        "ReserveStock": 1,
        "RecordReservation": 1,
        "AwaitPayment": 2,
        "ClosePaymentWindow": 2,
        "ChargePayment": 4,
        "RecordPayment": 4,
        "CreateShipment": 5,
        "CommitStock": 5,
        "CompleteOrder": 5,
    }
    assert versions(undone.then()) == {"BeginCancellation": 1} | dict.fromkeys(COMPENSATIONS, 7)


def test_each_step_gets_what_it_needs_and_no_more(run: Scenario) -> None:
    outcome = run.given(an_order(payment={"token": "tok_flaky"})).then()

    own = {
        step: {key: value for key, value in payload.items() if key not in COMMON}
        for step, payload in outcome.calls
    }
    payment = {
        "payment_id": "pay_01",
        "status": "CAPTURED",
        "amount_cents": 259_800,
        "currency": "USD",
    }
    assert own == {
        "ReserveStock": {"items": [{"sku": "product-001", "quantity": 2}]},
        "RecordReservation": {"reservation": RESERVATION},
        "ChargePayment": {"amount_cents": 259_800, "currency": "USD", "token": "tok_flaky"},
        "RecordPayment": {"payment": payment},
        "CreateShipment": {
            "shipping_address": an_order()["shipping_address"],
            "items": RESERVATION["lines"],
        },
        "CommitStock": {},
        "CompleteOrder": {"shipment": SHIPMENT},
    }


def test_the_wait_for_a_payment_gets_what_wakes_it(run: Scenario) -> None:
    outcome = run.given(an_unpaid_order()).then()

    assert set(outcome.payload("AwaitPayment")) == COMMON | {
        "task_token",
        "asked_at",
        "wait_seconds",
    }
    assert outcome.payload("AwaitPayment")["wait_seconds"] == 900
    assert set(outcome.payload("ClosePaymentWindow")) == COMMON


def test_compensations_get_no_more_than_the_order(run: Scenario) -> None:
    outcome = run.when("CommitStock", fails_with="KeyError").then()

    assert set(outcome.payload("BeginCancellation")) == COMMON | {"failure"}
    assert set(outcome.payload("CancelShipment")) == COMMON
    assert set(outcome.payload("RefundPayment")) == COMMON
    assert set(outcome.payload("ReleaseStock")) == COMMON
    assert set(outcome.payload("CancelOrder")) == COMMON | {"refund"}


def test_the_flag_gets_which_compensation_got_stuck_and_why(run: Scenario) -> None:
    outcome = (
        run.given(an_order_that_turned_back()).when("CancelOrder", fails_with="KeyError").then()
    )

    assert set(outcome.payload("FlagForAttention")) == COMMON | {
        "compensation",
        "compensation_failure",
    }


def test_the_cause_of_a_failure_reaches_the_order_as_the_function_told_it(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentDeclined").then()

    failure = outcome.payload("BeginCancellation")["failure"]
    assert failure["Error"] == "PaymentDeclined"
    assert json.loads(failure["Cause"])["errorMessage"] == "scripted PaymentDeclined"
