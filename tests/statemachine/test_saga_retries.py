"""What is tried again, how often and how long between; nothing here is really waited for."""

import pytest

from support.saga_definition import tasks
from support.saga_run import Outcome, Scenario, an_unpaid_order

COMPENSATIONS = (
    "CancelShipment",
    "RefundPayment",
    "ReleaseStock",
    "CancelOrder",
    "FlagForAttention",
)
FORWARD_WAITS = [1, 2, 4, 8, 8]
COMPENSATION_WAITS = [1, 2, 4, 8, 15, 15, 15, 15]

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
    if step not in COMPENSATIONS:
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
    outcome = reaching(run, step).when(step, fails_with="StorageContention").then()

    waits = COMPENSATION_WAITS if step in COMPENSATIONS else FORWARD_WAITS
    assert outcome.waits_of(step) == waits
    assert outcome.attempts(step) == len(waits) + 1
    assert after(step, outcome) == tasks()[step]["Catch"][-1]["Next"]


def test_two_errors_of_the_provider_cost_at_most_three_seconds(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="PaymentProviderUnavailable", times=2).then()

    assert outcome.path[-1] == "OrderCompleted"
    assert sum(outcome.waits_of("ChargePayment")) == 3


def test_a_reservation_that_never_answered_is_released(run: Scenario) -> None:
    run.when("ReserveStock", fails_with="States.Timeout").then_path(
        "ResumeOrBegin",
        "ReserveStock",
        "CancelShipment",
        "RefundPayment",
        "ReleaseStock",
        "CancelOrder",
        "OrderCancelled",
    )


def test_a_charge_that_never_answered_is_refunded(run: Scenario) -> None:
    outcome = run.when("ChargePayment", fails_with="Sandbox.Timedout").then()

    undone = outcome.path[outcome.path.index("ChargePayment") + 1 :]
    assert undone == (
        "CancelShipment",
        "RefundPayment",
        "ReleaseStock",
        "CancelOrder",
        "OrderCancelled",
    )
