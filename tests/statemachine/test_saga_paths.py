"""Every way that an order can take through the saga."""

import json

import pytest

from support.saga_definition import tasks
from support.saga_run import (
    LATE_TOKEN,
    REFUND,
    RESERVATION,
    SHIPMENT,
    Scenario,
    a_parked_order,
    an_order,
    an_unpaid_order,
)

UNDO = (
    "CancelShipment",
    "RefundPayment",
    "ReleaseStock",
    "CancelOrder",
    "OrderCancelled",
)
GIVE_MONEY_BACK, GIVE_STOCK_BACK, SAY_NO = UNDO[1:], UNDO[2:], UNDO[3:]
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
COMPENSATIONS = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")
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
    assert outcome.unanswered == ((("AwaitPayment", 42),) if call_is_lost else ())


def test_an_order_whose_customer_stays_away_expires_and_gives_the_stock_back(
    run: Scenario,
) -> None:
    outcome = (
        run.given(an_unpaid_order(payment_wait_seconds=7))
        .when_customer_stays_away()
        .then_path(*up_to("ClosePaymentWindow", FORWARD_LATER), *GIVE_STOCK_BACK)
    )

    assert outcome.status == "SUCCEEDED"
    assert outcome.unanswered == (("AwaitPayment", 7),)
    assert outcome.attempts("AwaitPayment") == 1, "a time that is over is not waited for again"
    assert outcome.payload("CancelOrder")["failure"]["Error"] == "PaymentExpired"


def test_an_order_that_is_cancelled_while_it_waits_gives_the_stock_back(run: Scenario) -> None:
    outcome = (
        run.given(an_unpaid_order())
        .when_customer_cancels()
        .then_path(*up_to("ClosePaymentWindow", FORWARD_LATER), *GIVE_STOCK_BACK)
    )

    assert outcome.unanswered == ()
    assert outcome.payload("CancelOrder")["failure"]["Error"] == "CancelledByCustomer"


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
    assert outcome.payload("CancelOrder")["failure"]["Error"] == "CancelledByCustomer"


@pytest.mark.parametrize("reason", ["OutOfStock", "UnknownProduct"])
def test_an_order_that_cannot_be_reserved_is_cancelled_with_nothing_to_undo(
    run: Scenario, reason: str
) -> None:
    outcome = run.when("ReserveStock", fails_with=reason).then_path(*up_to("ReserveStock"), *SAY_NO)

    assert outcome.status == "SUCCEEDED"
    assert outcome.payload("CancelOrder")["failure"]["Error"] == reason
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
    cancelled = outcome.payload("CancelOrder")
    assert cancelled["failure"]["Error"] == "ShipmentRejected"
    assert cancelled["refund"] == REFUND


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
    assert outcome.payload("CancelOrder")["failure"]["Error"] == failure


@pytest.mark.parametrize("compensation", COMPENSATIONS)
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
            "FlagForAttention",
            "NeedsAttention",
        )
    )

    assert (outcome.status, outcome.error) == ("FAILED", "NeedsAttention")
    flagged = outcome.payload("FlagForAttention")
    assert flagged["compensation"] == compensation
    assert flagged["failure"]["Error"] == "KeyError"
    assert flagged["compensation_failure"]["Error"] == "TypeError"
    assert flagged["refund"] == (REFUND if "RefundPayment" in undone[:-1] else None)


@pytest.mark.parametrize("compensation", COMPENSATIONS)
def test_a_redrive_goes_on_at_the_compensation_that_gave_up(
    run: Scenario, compensation: str
) -> None:
    outcome = run.given(a_parked_order(compensation)).then_path(
        "ResumeOrBegin", *UNDO[UNDO.index(compensation) :]
    )

    assert outcome.status == "SUCCEEDED"
    cancelled = outcome.payload("CancelOrder")
    assert cancelled["failure"] == a_parked_order(compensation)["failure"]
    is_refunded_now = compensation in ("CancelShipment", "RefundPayment")
    assert cancelled["refund"] == (REFUND if is_refunded_now else None)


def test_a_redrive_remembers_the_refund_of_the_execution_before(run: Scenario) -> None:
    outcome = run.given(a_parked_order("ReleaseStock", refund=REFUND)).then()

    assert outcome.payload("CancelOrder")["refund"] == REFUND


@pytest.mark.parametrize("compensation", COMPENSATIONS)
def test_a_redrive_that_gets_stuck_again_is_parked_again(run: Scenario, compensation: str) -> None:
    outcome = (
        run.given(a_parked_order(compensation))
        .when(compensation, fails_with="TypeError")
        .then_path("ResumeOrBegin", compensation, "FlagForAttention", "NeedsAttention")
    )

    flagged = outcome.payload("FlagForAttention")
    assert flagged["compensation"] == compensation
    assert flagged["failure"] == a_parked_order(compensation)["failure"]


def test_an_order_that_cannot_even_be_flagged_fails_its_execution(run: Scenario) -> None:
    outcome = (
        run.when("ReserveStock", fails_with="OutOfStock")
        .when("CancelOrder", fails_with="KeyError")
        .when("FlagForAttention", fails_with="KeyError")
        .then_path(
            *up_to("ReserveStock"),
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
    assert all(payload["task"] == an_order()["task"] for _, payload in calls)


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

    assert set(outcome.payload("AwaitPayment")) == COMMON | {"task_token"}
    assert set(outcome.payload("ClosePaymentWindow")) == COMMON


def test_compensations_get_no_more_than_the_order(run: Scenario) -> None:
    outcome = run.when("CommitStock", fails_with="KeyError").then()

    assert set(outcome.payload("CancelShipment")) == COMMON
    assert set(outcome.payload("RefundPayment")) == COMMON
    assert set(outcome.payload("ReleaseStock")) == COMMON
    assert set(outcome.payload("CancelOrder")) == COMMON | {"failure", "refund"}


def test_the_cause_of_a_failure_reaches_the_order_as_the_function_told_it(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentDeclined").then()

    failure = outcome.payload("CancelOrder")["failure"]
    assert failure["Error"] == "PaymentDeclined"
    assert json.loads(failure["Cause"])["errorMessage"] == "scripted PaymentDeclined"
