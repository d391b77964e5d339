"""Step Functions with remembered definitions, paths and clients: executions share no state."""

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.lambda_functions import ROLE, LambdaFunctions
from support.waiting import eventually

EXECUTIONS = 10


class StateMachines:
    """Makes state machines, runs them, and deletes them all at the end."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._arns: list[str] = []

    def create(self, **states: Any) -> str:
        """Makes a machine that starts with the first of its states; returns its ARN."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        definition = {"StartAt": next(iter(states)), "States": states}
        made = self._client.create_state_machine(
            name=name, roleArn=ROLE, definition=json.dumps(definition)
        )
        self._arns.append(made["stateMachineArn"])
        return str(made["stateMachineArn"])

    def run(self, arn: str, given: Any) -> Any:
        """Runs an execution to its end; returns its description, with the output decoded."""
        started = self._client.start_execution(stateMachineArn=arn, input=json.dumps(given))
        ended = eventually(
            lambda: self._client.describe_execution(executionArn=started["executionArn"]),
            until=lambda execution: execution["status"] != "RUNNING",
        )
        return ended | {"output": json.loads(ended.get("output", "null"))}

    def delete_all(self) -> None:
        for arn in self._arns:
            self._client.delete_state_machine(stateMachineArn=arn)


@pytest.fixture
def machines(aws: Callable[[str], Any]) -> Iterator[StateMachines]:
    made = StateMachines(aws("stepfunctions"))
    yield made
    made.delete_all()


def a_call(function: str, **more: Any) -> dict[str, Any]:
    """A task that calls a function with the execution's input."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$"},
        "OutputPath": "$.Payload",
    } | more


def test_errors_are_caught_by_the_name_of_their_class(
    functions: LambdaFunctions, machines: StateMachines
) -> None:
    function = functions.create(
        "class OutOfStock(Exception): pass\n"
        "class PaymentDeclined(Exception): pass\n"
        "def handler(event, context): raise globals()[event['error']]('no')"
    )
    arn = machines.create(
        Try=a_call(
            function,
            Catch=[
                {"ErrorEquals": [error], "ResultPath": "$.failure", "Next": error}
                for error in ("OutOfStock", "PaymentDeclined")
            ],
            End=True,
        ),
        OutOfStock={"Type": "Pass", "End": True},
        PaymentDeclined={"Type": "Pass", "End": True},
    )

    for error in ("OutOfStock", "PaymentDeclined", "OutOfStock"):
        output = machines.run(arn, {"error": error})["output"]
        assert output["failure"]["Error"] == error
        assert json.loads(output["failure"]["Cause"])["errorMessage"] == "no"


def test_an_error_that_nobody_catches_ends_the_execution_under_its_name(
    functions: LambdaFunctions, machines: StateMachines
) -> None:
    function = functions.create("def handler(event, context): return 1 / 0")
    execution = machines.run(machines.create(Try=a_call(function, End=True)), {})

    assert (execution["status"], execution["error"]) == ("FAILED", "ZeroDivisionError")


def test_each_execution_has_its_own_input_and_its_own_retries(
    functions: LambdaFunctions, machines: StateMachines
) -> None:
    # Given a step that fails twice for each execution, and may be retried twice
    function = functions.create(
        "class Busy(Exception): pass\n"
        "def handler(event, context):\n"
        "  if event['retries'] < 2: raise Busy\n"
        "  return event['name']"
    )
    retry = {"ErrorEquals": ["Busy"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.0}
    payload = {"name.$": "$.name", "retries.$": "$$.State.RetryCount"}
    parameters = {"FunctionName": function, "Payload": payload}
    step = a_call(function, Parameters=parameters, Retry=[retry], End=True)
    arn = machines.create(Try=step)
    names = [f"test-{uuid.uuid4()}" for _ in range(EXECUTIONS)]

    # When executions of the one definition run at the same time
    with ThreadPoolExecutor(EXECUTIONS) as pool:
        ended = list(pool.map(lambda name: machines.run(arn, {"name": name}), names))

    # Then each uses up its own retries, and answers for itself
    assert [execution["output"] for execution in ended] == names
