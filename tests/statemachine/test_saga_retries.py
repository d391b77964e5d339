"""What is tried again, how often and how long between; nothing here is really waited for."""

import pytest

from support.saga_definition import tasks
from support.saga_run import Outcome, Scenario, an_unpaid_order

BACKWARD = (
    "BeginCancellation",
    "CancelShipment",
    "RefundPayment",
    "ReleaseStock",
    "CancelOrder",
    "FlagForAttention",
)
FORWARD_WAITS = [1, 2, 4, 8, 8]
BACKWARD_WAITS = [1, 2, 4, 8, 15, 15, 15, 15]
PATIENT_WAITS = [1, 2, 4, 8, 16, 32, *[60] * 14]
# What is no fault of the order, of the steps that wait for it as patiently as for a free Lambda.
PATIENT = [
    *((step, "Lambda.TooManyRequestsException") for step in tasks()),
    *(
        (step, "CircuitOpen")
        for step in ("ChargePayment", "CreateShipment", "CancelShipment", "RefundPayment")
    ),
    ("CommitStock", "StockContention"),
    ("CommitStock", "StorageContention"),
    ("ClosePaymentWindow", "PaymentWindowOpen"),
]
UNDO = (
    "BeginCancellation",
    "ChooseFirstCompensation",
    "CancelShipment",
    "RefundPayment",
    "ReleaseStock",
    "CancelOrder",
    "OrderCancelled",
)

RETRIED = [
    (step, error)
    for step, state in tasks().items()
    for retrier in state["Retry"]
    for error in retrier["ErrorEquals"]
]
# Each step with its first error, and one step with all of them; `make test-full` tries the others.
EVERY_ERROR_OF = "CreateShipment"
FIRST_ERRORS = [(step, state["Retry"][0]["ErrorEquals"][0]) for step, state in tasks().items()]


def reaching(run: Scenario, step: str) -> Scenario:
    """Makes the saga come to a step: forward steps are on its way, the others need a failure."""
    run = run.given(an_unpaid_order())
    if step not in BACKWARD:
        return run
    run = run.when("CompleteOrder", fails_with="KeyError")
    return run.when("CancelOrder", fails_with="KeyError") if step == "FlagForAttention" else run


def after(step: str, outcome: Outcome) -> str:
    """The state that a step led to."""
    return outcome.path[outcome.path.index(step) + 1]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        pytest.param(
            step,
            error,
            marks=()
            if step == EVERY_ERROR_OF or (step, error) in FIRST_ERRORS
            else pytest.mark.full,
        )
        for step, error in RETRIED
    ],
)
def test_a_step_that_stumbles_goes_on_as_if_nothing_had_happened(
    run: Scenario, step: str, error: str
) -> None:
    outcome = reaching(run, step).when(step, fails_with=error, times=2).then()

    assert after(step, outcome) == tasks()[step]["Next"]
    assert outcome.attempts(step) == 3
    assert outcome.waits_of(step) == [1, 2]


@pytest.mark.parametrize("step", tasks())
def test_a_step_that_keeps_stumbling_is_given_up_after_bounded_waits(
    run: Scenario, step: str
) -> None:
    error = tasks()[step]["Retry"][0]["ErrorEquals"][0]

    outcome = reaching(run, step).when(step, fails_with=error).then()

    waits = BACKWARD_WAITS if step in BACKWARD else FORWARD_WAITS
    assert outcome.waits_of(step) == waits
    assert outcome.attempts(step) == len(waits) + 1
    assert after(step, outcome) == tasks()[step]["Catch"][-1]["Next"]


@pytest.mark.parametrize(("step", "error"), PATIENT)
def test_what_is_no_fault_of_the_order_is_waited_for_and_given_up_after_a_quarter_of_an_hour(
    run: Scenario, step: str, error: str
) -> None:
    outcome = reaching(run, step).when(step, fails_with=error).then()

    assert outcome.waits_of(step) == PATIENT_WAITS
    assert after(step, outcome) == tasks()[step]["Catch"][-1]["Next"]


def test_a_spike_of_calls_undoes_no_order(run: Scenario) -> None:
    # Given a store whose every step is throttled for a quarter of an hour, nearly
    for step in tasks():
        run = run.when(step, fails_with="Lambda.TooManyRequestsException", times=20)

    # Then the order completes all the same
    assert run.given(an_unpaid_order()).then().path[-1] == "OrderCompleted"


def test_each_kind_of_trouble_has_retries_of_its_own(run: Scenario) -> None:
    # Given a charge that is throttled for long, when the provider then stumbles as well
    outcome = (
        run.when("ChargePayment", fails_with="Lambda.TooManyRequestsException", times=20)
        .when("ChargePayment", fails_with="PaymentProviderUnavailable", times=5)
        .then()
    )

    assert outcome.waits_of("ChargePayment") == PATIENT_WAITS + FORWARD_WAITS
    assert outcome.path[-1] == "OrderCompleted"


def test_a_question_that_is_asked_again_is_told_from_the_one_before(run: Scenario) -> None:
    outcome = (
        run.given(an_unpaid_order())
        .when("AwaitPayment", fails_with="Lambda.TooManyRequestsException", times=12)
        .then()
    )

    asked_at = [payload["asked_at"] for payload in outcome.payloads("AwaitPayment")]
    assert len(asked_at) == len(set(asked_at)) == 13
    assert asked_at == sorted(asked_at), "the later question has the greater text"


def test_two_errors_of_the_provider_cost_at_most_three_seconds(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentProviderUnavailable", times=2).then()

    assert outcome.path[-1] == "OrderCompleted"
    assert sum(outcome.waits_of("ChargePayment")) == 3


def test_a_reservation_that_never_answered_is_released(run: Scenario) -> None:
    run.when("ReserveStock", fails_with="States.Timeout").then_path(
        "ResumeOrBegin", "ReserveStock", *UNDO
    )


def test_a_charge_that_never_answered_is_refunded(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="Sandbox.Timedout").then()

    assert outcome.path[outcome.path.index("ChargePayment") + 1 :] == UNDO
