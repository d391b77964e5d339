"""Walks the state machine's file one delivery at a time, so that a test decides what comes between.

    execution = Execution(definition, "ord_1", saga_input)
    delivery = execution.delivery()        # what the function of the current task would be sent
    execution.succeed({"total_cents": 1})  # or .fail("OutOfStock", "none left")

It knows the part of the Amazon States Language (https://states-language.net/spec.html) that the
file uses, with JSONata, and raises NotImplementedError for the rest. Pauses between retries take no
time here (`fail` returns how long they would be): when a delivery happens is up to the test.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from localstack_embedded import jsonata

type Json = dict[str, Any]
type State = Mapping[str, Any]

WAITING = "arn:aws:states:::lambda:invoke.waitForTaskToken"


@dataclass(frozen=True)
class Delivery:
    """One call of a task's function: the state's name, and the payload."""

    task: str
    payload: Json

    @property
    def order_id(self) -> str:
        """Whose order it is."""
        order_id: str = self.payload["task"]["order_id"]
        return order_id


@dataclass
class Execution:
    """One execution. Between two calls it stands at a task, waits for a token, or has ended."""

    definition: Json
    name: str
    saga_input: Json
    serials: Iterator[int] = field(default_factory=count)
    """Numbers for task tokens: shared by executions that may have the same name."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    status: str = "RUNNING"
    error: str | None = None
    waits_for: str | None = None
    """The task token whose return it waits for."""
    wait_seconds: int | None = None
    """How long a token that was just handed out is waited for."""
    handed_out: datetime = field(init=False)
    """Since when the current attempt of its task runs."""
    path: list[str] = field(default_factory=list)
    variables: Json = field(init=False, default_factory=dict)
    """What the states so far have assigned."""
    _token: str = field(init=False, default="")
    _retries: dict[int, int] = field(init=False, default_factory=dict)
    _entered: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._enter(self.definition["StartAt"])

    @property
    def is_running(self) -> bool:
        return self.status == "RUNNING"

    @property
    def task(self) -> str:
        """The state that it stands at."""
        return self.path[-1]

    def delivery(self) -> Delivery:
        """Returns the call that is due now; the same one again where it is called again."""
        assert self.is_running, f"{self.name} has ended"
        assert self.waits_for is None, f"{self.name} waits for a token"
        return Delivery(self.task, self._evaluate(self._state["Arguments"]["Payload"]))

    @property
    def token(self) -> str:
        """The current task's token."""
        return self._token

    def wait(self) -> None:
        """The function of a task that waits for its token's return has answered."""
        assert self._state["Resource"] == WAITING
        self.waits_for = self._token
        self.wait_seconds = int(self._evaluate(self._state["TimeoutSeconds"]))

    @property
    def hands_out_a_token(self) -> bool:
        """Whether the current task ends by its token's return, not by its function's answer."""
        return bool(self._state.get("Resource") == WAITING)

    def succeed(self, result: Any) -> None:
        """The current task's function answered, or its token came back."""
        outcome = result if self.hands_out_a_token else {"Payload": result, "StatusCode": 200}
        self._assign(self._state, result=outcome)
        self._enter(self._state["Next"])

    def fail(self, error: str, cause: str = "", *, for_good: bool = False) -> float:
        """The current task failed; it is retried, where its `Retry` has attempts left, or caught.

        `for_good` stands for all the attempts that are left: none of them went better. Returns how
        many seconds the engine would wait before the retry, at most.
        """
        state = self._state
        for number, retrier in enumerate(state.get("Retry", ())):
            if _names(retrier, error):
                used = self._retries.get(number, 0)
                if used < retrier["MaxAttempts"] and not for_good:
                    self._retries[number] = used + 1
                    self._hand_out_a_token()
                    pause = retrier["IntervalSeconds"] * retrier.get("BackoffRate", 2) ** used
                    return float(min(pause, retrier.get("MaxDelaySeconds", pause)))
                break
        for catcher in state.get("Catch", ()):
            if _names(catcher, error):
                self._assign(catcher, errorOutput={"Error": error, "Cause": cause})
                self._enter(catcher["Next"])
                return 0
        self._end("FAILED", error)
        return 0

    def abort(self) -> None:
        """An operator stopped it."""
        self._end("ABORTED", None)

    @property
    def _state(self) -> State:
        state: State = self.definition["States"][self.task]
        return state

    def _enter(self, name: str) -> None:
        """Goes on from a state to the next task, or to the end."""
        self.path.append(name)
        self.waits_for = self.wait_seconds = None
        self._retries, self._entered = {}, self.now()
        state = self._state
        match state["Type"]:
            case "Task":
                self._hand_out_a_token()
            case "Choice":
                holding = (r for r in state["Choices"] if self._evaluate(r["Condition"]))
                rule = next(holding, {"Next": state["Default"], "Assign": state.get("Assign", {})})
                self._assign(rule)
                self._enter(rule["Next"])
            case "Succeed":
                self._end("SUCCEEDED", None)
            case "Fail":
                self._end("FAILED", state["Error"])
            case other:
                raise NotImplementedError(f"{name}: a {other} state")

    def _hand_out_a_token(self) -> None:
        self.waits_for, self.wait_seconds, self.handed_out = None, None, self.now()
        self._token = f"{self.name}/{next(self.serials)}"

    def _end(self, status: str, error: str | None) -> None:
        self.status, self.error, self.waits_for = status, error, None

    def _assign(self, rule: State, **more: Any) -> None:
        """Does what an `Assign` says; `more` is what `$states` has beyond input and context."""
        self.variables |= self._evaluate(rule.get("Assign", {}), **more)

    def _evaluate(self, template: Any, **more: Any) -> Any:
        """Returns a template with its expressions (`{% … %}`) replaced by their values."""
        match template:
            case dict():
                return {name: self._evaluate(value, **more) for name, value in template.items()}
            case list():
                return [self._evaluate(element, **more) for element in template]
            case str() if template.startswith("{%"):
                return self._value_of(template[2:-2], **more)
        return template

    def _value_of(self, expression: str, **more: Any) -> Any:
        states = {"input": self.saga_input, "context": self._context, **more}
        known = {"states": states, **self.variables}
        declarations = "".join(f"${name} := {json.dumps(value)};" for name, value in known.items())
        return jsonata.evaluate(f"({declarations}{expression})")

    @property
    def _context(self) -> Json:
        return {
            "Execution": {"Name": self.name, "Input": self.saga_input},
            "State": {
                "Name": self.task,
                "EnteredTime": f"{self._entered:%Y-%m-%dT%H:%M:%S.%fZ}",
                "RetryCount": sum(self._retries.values()),
            },
            "Task": {"Token": self._token},
        }


def _names(rule: Mapping[str, Any], error: str) -> bool:
    """Whether a retrier or catcher takes an error; States.TaskFailed is all but a timeout."""
    named = rule["ErrorEquals"]
    is_failure = error != "States.Timeout"
    return error in named or "States.ALL" in named or (is_failure and "States.TaskFailed" in named)
