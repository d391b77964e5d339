"""Walks the state machine's file one delivery at a time, so that a test decides what comes between.

    execution = Execution(definition, "ord_1", saga_input)
    delivery = execution.delivery()        # what the function of the current task would be sent
    execution.succeed({"total_cents": 1})  # or .fail("OutOfStock", "none left")

It knows the part of the Amazon States Language (https://states-language.net/spec.html) that the
file uses, and raises NotImplementedError for the rest. Pauses between retries take no time here:
when a delivery happens is up to the test.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

type Json = dict[str, Any]
type State = Mapping[str, Any]

WAITING = "arn:aws:states:::lambda:invoke.waitForTaskToken"


@dataclass(frozen=True)
class Delivery:
    """One call of a task's function: the state's name, and the payload."""

    task: str
    payload: Json


@dataclass
class Execution:
    """One execution. Between two calls it stands at a task, waits for a token, or has ended."""

    definition: Json
    name: str
    saga_input: Json
    serials: Iterator[int] = field(default_factory=count)
    """Numbers for task tokens: shared by executions that may have the same name."""
    status: str = "RUNNING"
    error: str | None = None
    waits_for: str | None = None
    """The task token whose return it waits for."""
    wait_seconds: int | None = None
    """How long a token that was just handed out is waited for."""
    path: list[str] = field(default_factory=list)
    _data: Json = field(init=False)
    _token: str = field(init=False, default="")
    _retries: dict[int, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._data = copy.deepcopy(self.saga_input)
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
        payload = self._fill(self._state["Parameters"]["Payload"])
        return Delivery(self.task, copy.deepcopy(payload))

    @property
    def token(self) -> str:
        """The current task's token."""
        return self._token

    def wait(self) -> None:
        """The function of a task that waits for its token's return has answered."""
        assert self._state["Resource"] == WAITING
        self.waits_for = self._token
        self.wait_seconds = int(_read(self._state["TimeoutSecondsPath"], self._data, {}))

    @property
    def hands_out_a_token(self) -> bool:
        """Whether the current task ends by its token's return, not by its function's answer."""
        return bool(self._state.get("Resource") == WAITING)

    def succeed(self, result: Any) -> None:
        """The current task's function answered, or its token came back."""
        state, outcome = self._state, copy.deepcopy(result)
        if not self.hands_out_a_token:
            outcome = {"Payload": outcome, "StatusCode": 200}
        if "ResultSelector" in state:
            outcome = _fill(state["ResultSelector"], outcome, {})
        self._put(state, outcome)
        self._enter(state["Next"])

    def fail(self, error: str, cause: str = "", *, for_good: bool = False) -> None:
        """The current task failed; it is retried, where its `Retry` has attempts left, or caught.

        `for_good` stands for all the attempts that are left: none of them went better.
        """
        state = self._state
        for number, retrier in enumerate(state.get("Retry", ())):
            if _names(retrier, error):
                used = self._retries.get(number, 0)
                if used < retrier["MaxAttempts"] and not for_good:
                    self._retries[number] = used + 1
                    self._hand_out_a_token()
                    return
                break
        for catcher in state.get("Catch", ()):
            if _names(catcher, error):
                self._put(catcher, {"Error": error, "Cause": cause})
                self._enter(catcher["Next"])
                return
        self._end("FAILED", error)

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
        self._retries = {}
        state = self._state
        match state["Type"]:
            case "Task":
                self._hand_out_a_token()
            case "Choice":
                chosen = (rule["Next"] for rule in state["Choices"] if self._holds(rule))
                self._enter(next(chosen, state["Default"]))
            case "Pass":
                self._put(state, state["Result"])
                self._enter(state["Next"])
            case "Succeed":
                self._end("SUCCEEDED", None)
            case "Fail":
                self._end("FAILED", state["Error"])
            case other:
                raise NotImplementedError(f"{name}: a {other} state")

    def _hand_out_a_token(self) -> None:
        self.waits_for = self.wait_seconds = None
        self._token = f"{self.name}/{next(self.serials)}"

    def _end(self, status: str, error: str | None) -> None:
        self.status, self.error, self.waits_for = status, error, None

    def _put(self, state: State, value: Any) -> None:
        """Does what a `ResultPath` says."""
        match state.get("ResultPath", "$"):
            case None:
                return
            case "$":
                self._data = value
            case path:
                _, *parents, last = path.split(".")
                where = self._data
                for parent in parents:
                    where = where.setdefault(parent, {})
                where[last] = copy.deepcopy(value)

    def _holds(self, rule: Mapping[str, Any]) -> bool:
        """Whether a rule of a Choice state applies."""
        match rule:
            case {"And": rules}:
                return all(self._holds(inner) for inner in rules)
            case {"Or": rules}:
                return any(self._holds(inner) for inner in rules)
            case {"Not": inner}:
                return not self._holds(inner)
        try:
            value = _read(rule["Variable"], self._data, self._context)
        except KeyError:
            return rule.get("IsPresent") is False
        return _passes(rule, value)

    def _fill(self, template: Any) -> Any:
        return _fill(template, self._data, self._context)

    @property
    def _context(self) -> Json:
        return {"Execution": {"Name": self.name}, "Task": {"Token": self._token}}


def _passes(rule: Mapping[str, Any], value: Any) -> bool:
    """Whether a value that is there passes a rule's one test."""
    match {name: wanted for name, wanted in rule.items() if name.startswith(("Is", "String"))}:
        case {"IsPresent": wanted}:
            return bool(wanted)
        case {"IsNull": wanted}:
            return (value is None) is wanted
        case {"IsString": wanted}:
            return isinstance(value, str) is wanted
        case {"StringEquals": wanted}:
            return bool(value == wanted)
    raise NotImplementedError(str(rule))


def _names(rule: Mapping[str, Any], error: str) -> bool:
    """Whether a retrier or catcher takes an error; States.TaskFailed is all but a timeout."""
    named = rule["ErrorEquals"]
    is_failure = error != "States.Timeout"
    return error in named or "States.ALL" in named or (is_failure and "States.TaskFailed" in named)


def _fill(template: Any, data: Any, context: Json) -> Any:
    """Returns a payload template with its paths (`"name.$": "$.path"`) replaced by their values."""
    match template:
        case dict():
            return {
                name.removesuffix(".$"): _read(value, data, context)
                if name.endswith(".$")
                else _fill(value, data, context)
                for name, value in template.items()
            }
        case list():
            return [_fill(element, data, context) for element in template]
    return template


def _read(path: str, data: Any, context: Json) -> Any:
    """Returns the value at a reference path; raises KeyError where there is none."""
    root, *names = path.split(".")
    match root:
        case "$":
            value = data
        case "$$":
            value = context
        case _:
            raise NotImplementedError(path)
    for name in names:
        if not isinstance(value, Mapping):
            raise KeyError(path)
        value = value[name]
    return value
