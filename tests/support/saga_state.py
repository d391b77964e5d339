"""Runs one state of the saga by itself on the engine: its TestState API, functions mocked.

    verdict = tester.run("ReserveStock", an_order(), fails_with="OutOfStock")
    verdict.next_state   # "BeginCancellation"

What the API takes and gives is described under "TestState" in the Step Functions API reference;
LocalStack has mocks, retry counts and a context of one's own since its release 2026.3.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from support.saga_coverage import Coverage
from support.saga_definition import Transition, load_definition, states
from support.saga_history import transition_between

_EXECUTION = "ord_01JX0000000000000000000001-r2"
TASK_TOKEN = "token-of-the-wait"
ENTERED_AT = "2026-03-01T09:30:05Z"
_ARN = "arn:aws:states:us-east-1:000000000000"
_ROLE_ARN = "arn:aws:iam::000000000000:role/saga"
_LANGUAGE = {"QueryLanguage": load_definition()["QueryLanguage"]}
_CONTEXT: dict[str, dict[str, Any]] = {
    "Execution": {
        "Id": f"{_ARN}:execution:saga:{_EXECUTION}",
        "Name": _EXECUTION,
        "Input": {},
        "RoleArn": _ROLE_ARN,
        "StartTime": "2026-03-01T09:30:00Z",
    },
    "State": {"Name": "any", "EnteredTime": ENTERED_AT, "RetryCount": 0},
    "StateMachine": {"Id": f"{_ARN}:stateMachine:saga", "Name": "saga"},
    "Task": {"Token": TASK_TOKEN},
}


@dataclass(frozen=True)
class Verdict:
    """What the engine decided.

    Attributes:
        status: SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR.
        next_state: where the execution would go on; None at its end, and where it would try again.
        error: what the state failed with.
        called_with: the function that would be called, and its payload.
        variables: the execution's variables afterwards, those that the state assigned.
    """

    status: str
    next_state: str | None
    error: str | None
    called_with: dict[str, Any] | None
    variables: dict[str, Any]


class StateTester:
    """The engine's TestState API; `coverage` is told what every state decided."""

    def __init__(self, stepfunctions: Any, coverage: Coverage) -> None:
        self._stepfunctions = stepfunctions
        self._coverage = coverage

    def run(
        self,
        state: str,
        order: Mapping[str, Any],
        variables: Mapping[str, Any] | None = None,
        *,
        answers: Any = None,
        fails_with: str | None = None,
        retries_before: int = 0,
        whole_definition: bool = False,
    ) -> Verdict:
        """Runs one state.

        Args:
            state: its name.
            order: the execution's input.
            variables: what the states before have assigned.
            answers: what the mocked function returns, of a state that calls one.
            fails_with: the error that it fails with instead.
            retries_before: how often the state was tried again already.
            whole_definition: hands in all states and the name, not the one state: slower.
        """
        request: dict[str, Any] = {
            "definition": json.dumps(
                load_definition() if whole_definition else {**states()[state], **_LANGUAGE}
            ),
            "roleArn": _ROLE_ARN,
            "input": json.dumps(order),
            "variables": json.dumps(variables or {}),
            "inspectionLevel": "TRACE",
        }
        if whole_definition:
            request["stateName"] = state
        if states()[state]["Type"] == "Task":
            execution = _CONTEXT["Execution"] | {"Input": order}
            context = _CONTEXT | {
                "Execution": execution,
                "State": _CONTEXT["State"] | {"Name": state},
            }
            request |= {
                "context": json.dumps(context),
                "mock": _mock(answers, fails_with),
                "stateConfiguration": {"retrierRetryCount": retries_before},
            }
        answer = self._stepfunctions.test_state(**request)
        inspected = answer.get("inspectionData", {})
        verdict = Verdict(
            status=answer["status"],
            next_state=answer.get("nextState"),
            error=answer.get("error"),
            called_with=_called_with(inspected),
            variables=json.loads(inspected.get("variables", "{}")),
        )
        self._coverage.add([state], _taken(state, verdict))
        return verdict


def _mock(answers: Any, fails_with: str | None) -> dict[str, Any]:
    if fails_with is not None:
        return {"errorOutput": {"error": fails_with, "cause": f"scripted {fails_with}"}}
    # NONE: Lambda's reply has its Payload as a string, what the state machine sees is its content.
    return {"result": json.dumps({"Payload": answers or {}}), "fieldValidationMode": "NONE"}


def _called_with(inspected: Mapping[str, Any]) -> dict[str, Any] | None:
    arguments = json.loads(inspected["afterArguments"]) if "afterArguments" in inspected else {}
    payload: dict[str, Any] | None = arguments.get("Payload")
    return payload


def _taken(state: str, verdict: Verdict) -> list[Transition]:
    if verdict.next_state is None:
        return []
    error = verdict.error if verdict.status == "CAUGHT_ERROR" else None
    edge = transition_between(state, verdict.next_state, error)
    assert edge.target == verdict.next_state
    return [edge]
