"""Rules that every state of the saga keeps, read from its file."""

import importlib
from graphlib import TopologicalSorter
from typing import Any

import pytest

from shared import errors
from support.saga_definition import (
    TERMINAL_TYPES,
    function_of,
    load_definition,
    placeholders,
    states,
    tasks,
    transitions,
)
from support.template import resources, template

# Failures that are Lambda's or the state machine's own and say nothing about the step's code.
# "Handle Lambda service exceptions" and "Error names" in the Step Functions developer guide name
# the first two families, the runtimes' error types the third.
PLATFORM_ERRORS = {
    "Lambda.AWSLambdaException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
    "Lambda.Unknown",
    "States.Timeout",
    "Runtime.ExitError",
    "Sandbox.Timedout",
}
COMPENSATIONS = {
    "CancelShipment",
    "RefundPayment",
    "ReleaseStock",
    "CancelOrder",
    "FlagForAttention",
}
# It decides whether a compensation may run at all.
TURN = "BeginCancellation"
FORWARD = set(tasks()) - COMPENSATIONS - {TURN}
# It waits for people, not for a function: for as long as its input says, and once.
WAIT = "AwaitPayment"

THROTTLED = "Lambda.TooManyRequestsException"
AT_A_PARTNER = ("ChargePayment", "RefundPayment", "CreateShipment", "CancelShipment")
# What is retried for minutes, because it is the load or a partner's trouble and no order's.
PATIENTLY: dict[str, set[str]] = {
    **{step: {THROTTLED} for step in tasks()},
    **{step: {THROTTLED, "CircuitOpen"} for step in AT_A_PARTNER},
    # A parcel is booked by then: to undo it costs more than to wait for a popular product.
    "CommitStock": {THROTTLED, "StockContention", "StorageContention"},
    # The customer's time, not a failure.
    "ClosePaymentWindow": {THROTTLED, "PaymentWindowOpen"},
}


def leaves(family: type[errors.SagaError]) -> set[str]:
    return {error.__name__ for error in family.__subclasses__()}


# The mail service is no step's: a customer who gets no mail gets the order all the same.
TRANSIENT = leaves(errors.TransientError) - {"NotificationUnavailable"}
FINAL = leaves(errors.BusinessError) | leaves(errors.AmbiguousError)


def function_properties(step: str) -> dict[str, Any]:
    return resources("AWS::Serverless::Function")[f"{function_of(step)}Function"]


def named(step: str) -> str:
    """The step's name as its function is told it."""
    payload: dict[str, str] = tasks()[step]["Arguments"]["Payload"]
    return payload["step"]


def retriers(step: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A step's two retriers: the quick one, and the patient one."""
    quick, patient = tasks()[step]["Retry"]
    return quick, patient


def longest_wait(retrier: dict[str, Any]) -> float:
    """Seconds that a retrier spends waiting when every attempt fails and jitter takes nothing."""
    wait, longest = 0.0, float(retrier["IntervalSeconds"])
    for _ in range(retrier["MaxAttempts"]):
        wait += min(longest, retrier["MaxDelaySeconds"])
        longest *= retrier["BackoffRate"]
    return wait


@pytest.mark.parametrize("step", sorted(set(tasks()) - {WAIT}))
def test_a_step_outlasts_its_function(step: str) -> None:
    own = function_properties(step).get("Timeout", template()["Globals"]["Function"]["Timeout"])

    assert tasks()[step]["TimeoutSeconds"] > own


def test_the_wait_for_a_payment_ends_after_the_order_says_so_and_is_not_repeated() -> None:
    wait = tasks()[WAIT]

    assert all(
        isinstance(state["TimeoutSeconds"], int) for step, state in tasks().items() if step != WAIT
    )
    waiting_time = "$states.context.Execution.Input.payment_wait_seconds"
    assert wait["TimeoutSeconds"] == f"{{% {waiting_time} + 2 %}}", "it is the row that decides"
    assert wait["Arguments"]["Payload"]["wait_seconds"] == f"{{% {waiting_time} %}}"
    assert wait["Resource"].endswith(".waitForTaskToken")
    assert not any("States.Timeout" in retrier["ErrorEquals"] for retrier in wait["Retry"])
    assert wait["Catch"][0]["ErrorEquals"] == ["States.Timeout"]


@pytest.mark.parametrize("step", tasks())
def test_a_step_retries_what_may_pass_within_bounds(step: str) -> None:
    quick, patient = retriers(step)

    retried = {error for retrier in (quick, patient) for error in retrier["ErrorEquals"]}
    assert retried >= PLATFORM_ERRORS - ({"States.Timeout"} if step == WAIT else set())
    assert "StorageContention" in retried
    assert not set(quick["ErrorEquals"]) & set(patient["ErrorEquals"]), "the first one decides"
    for retrier in (quick, patient):
        assert retrier["BackoffRate"] > 1
        assert retrier["JitterStrategy"] == "FULL"
    assert 0 < quick["MaxAttempts"] <= 10
    assert longest_wait(quick) < 120


@pytest.mark.parametrize("step", tasks())
def test_a_step_waits_minutes_for_what_is_no_fault_of_the_order(step: str) -> None:
    _, patient = retriers(step)

    assert set(patient["ErrorEquals"]) == PATIENTLY[step]
    assert (patient["MaxAttempts"], patient["MaxDelaySeconds"]) == (20, 60)
    assert 600 < longest_wait(patient) < 1200


@pytest.mark.parametrize("step", tasks())
def test_a_step_catches_everything(step: str) -> None:
    catchers = tasks()[step]["Catch"]

    assert catchers[-1]["ErrorEquals"] == ["States.ALL"]
    for catcher in catchers:
        # A time that is over is no failure yet: it is the order's row that says what it means.
        # When the row cannot be written, or belongs to another execution, there is nothing that
        # the failure could be written to.
        is_kept = catcher["ErrorEquals"] != ["States.Timeout"] and catcher["Next"] not in (
            "SagaAbandoned",
            "Superseded",
        )
        kept = set(catcher.get("Assign", {}).values())
        assert ("{% $states.errorOutput %}" in kept) is is_kept, "the failure is forgotten"


@pytest.mark.parametrize("step", sorted(FORWARD))
def test_every_failure_of_a_forward_step_turns_the_order_back(step: str) -> None:
    for catcher in tasks()[step]["Catch"]:
        if catcher["ErrorEquals"] == ["States.Timeout"]:
            assert step == WAIT
            continue
        assert catcher["Next"] == TURN
        assert catcher["Assign"]["undo_from"] in COMPENSATIONS
    assert tasks()[step]["Catch"][-1]["Assign"]["undo_from"] == "CancelShipment", (
        "what is not named is ambiguous, so everything is undone"
    )


def test_no_compensation_is_reached_before_the_order_turned_back() -> None:
    # Given the saga without the state that writes the turn
    leads_to = {
        name: {edge.target for edge in transitions() if edge.source == name} for name in states()
    }
    leads_to[TURN] = set()

    # When everything is visited that can be reached
    reached: set[str] = set()
    to_visit = {load_definition()["StartAt"]}
    while to_visit:
        reached |= to_visit
        to_visit = set().union(*(leads_to[name] for name in to_visit)) - reached

    # Then nothing is undone
    assert reached > FORWARD
    assert not reached & COMPENSATIONS
    assert not reached & {"OrderCancelled", "NeedsAttention"}


@pytest.mark.parametrize(
    "step",
    sorted(step for step in {TURN} | COMPENSATIONS if function_of(step) == "OrderSteps"),
)
def test_a_superseded_execution_ends_quietly(step: str) -> None:
    catcher = tasks()[step]["Catch"][0]

    assert catcher == {"ErrorEquals": ["ExecutionSuperseded"], "Next": "Superseded"}
    assert states()["Superseded"]["Type"] == "Succeed"


def test_compensations_are_retried_longer_than_forward_steps() -> None:
    def waits(steps: set[str]) -> list[float]:
        return [longest_wait(retriers(step)[0]) for step in steps]

    assert min(waits(COMPENSATIONS | {TURN})) > 2 * max(waits(FORWARD))


def test_every_error_that_is_named_exists() -> None:
    named = {
        error
        for state in tasks().values()
        for rule in (*state["Retry"], *state["Catch"])
        for error in rule["ErrorEquals"]
    }

    assert named <= TRANSIENT | FINAL | PLATFORM_ERRORS | {"States.ALL"}


def test_what_is_transient_is_retried_and_what_is_final_is_not() -> None:
    retried = {
        error
        for state in tasks().values()
        for retrier in state["Retry"]
        for error in retrier["ErrorEquals"]
    }

    assert retried >= TRANSIENT
    assert not retried & FINAL


def test_every_state_can_be_reached() -> None:
    assert {edge.target for edge in transitions()} | {load_definition()["StartAt"]} == set(states())


def test_every_path_ends_in_a_terminal_state() -> None:
    leads_to = {
        name: [edge.target for edge in transitions() if edge.source == name] for name in states()
    }

    # Without cycles, a path ends where nothing follows: raises CycleError otherwise.
    TopologicalSorter(leads_to).prepare()
    for name, state in states().items():
        assert (not leads_to[name]) == (state["Type"] in TERMINAL_TYPES), name


def test_the_execution_has_no_timeout_that_would_skip_the_compensations() -> None:
    assert "TimeoutSeconds" not in load_definition()


def test_every_state_says_why_it_is_there() -> None:
    assert all(state["Comment"].endswith(".") for state in states().values())


def test_the_saga_calls_one_function_per_service_and_names_the_step_to_it() -> None:
    saga = resources("AWS::Serverless::StateMachine")["OrderSaga"]

    assert set(saga["DefinitionSubstitutions"]) == placeholders()
    assert saga["DefinitionSubstitutions"] == {
        f"{service}Steps": {"Fn::GetAtt": [f"{service}StepsFunction", "Arn"]}
        for service in ("Order", "Inventory", "Payment", "Shipping")
    }
    for step in tasks():
        assert named(step) == "{% $states.context.State.Name %}"
        assert tasks()[step]["Arguments"]["Payload"]["task"] == "{% $task %}"
        assert function_properties(step)["Handler"].endswith(".saga.handler")


@pytest.mark.parametrize("step", tasks())
def test_every_step_has_a_handler_in_the_function_that_its_state_calls(step: str) -> None:
    module, _, _ = function_properties(step)["Handler"].rpartition(".")

    assert step in importlib.import_module(module).steps


def test_every_handler_has_a_state() -> None:
    modules = {function_properties(step)["Handler"].rpartition(".")[0] for step in tasks()}

    assert {step for module in modules for step in importlib.import_module(module).steps} == set(
        tasks()
    )
