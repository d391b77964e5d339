"""Reads the state machine's file as a graph: its states and how one leads to another."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from support.template import ROOT

DEFINITION_FILE = ROOT / "statemachine" / "order_saga.asl.json"
TERMINAL_TYPES = ("Succeed", "Fail")

type State = Mapping[str, Any]


class Transition(NamedTuple):
    """One edge: `via` is "Next", "Default", "Choices[n]" or "Catch[n]" of the source state."""

    source: str
    via: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} --{self.via}--> {self.target}"


@cache
def load_definition() -> dict[str, Any]:
    """Returns the state machine, its `${…}` placeholders still in place."""
    definition: dict[str, Any] = json.loads(DEFINITION_FILE.read_text(encoding="utf-8"))
    return definition


def states() -> dict[str, State]:
    """Returns every state by its name."""
    named: dict[str, State] = load_definition()["States"]
    return named


def tasks() -> dict[str, State]:
    """Returns the states that call a function, by name."""
    return {name: state for name, state in states().items() if state["Type"] == "Task"}


def function_of(task: str) -> str:
    """Returns the logical id, without `Function`, of the function that a task invokes."""
    placeholder: str = tasks()[task]["Arguments"]["FunctionName"]
    return placeholder.removeprefix("${").removesuffix("}")


def compensations() -> dict[str, State]:
    """Returns the tasks whose failure parks the order: their `Catch` names them to the flag."""
    return {
        name: state
        for name, state in tasks().items()
        if state["Catch"][-1].get("Assign", {}).get("compensation") == name
    }


def transitions() -> set[Transition]:
    """Returns every way from one state to another."""
    return {edge for name, state in states().items() for edge in _edges(name, state)}


def placeholders() -> set[str]:
    """Returns the names in `${…}` that the template has to substitute."""
    return set(re.findall(r"\$\{(\w+)\}", DEFINITION_FILE.read_text(encoding="utf-8")))


def catcher_of(state: State, error: str) -> int:
    """Returns which of a state's catchers takes an error: the first one that names it or all."""
    for index, catcher in enumerate(state["Catch"]):
        if error in catcher["ErrorEquals"] or "States.ALL" in catcher["ErrorEquals"]:
            return index
    raise AssertionError(f"no catcher takes {error}")


def _edges(name: str, state: State) -> Iterator[Transition]:
    for via in ("Next", "Default"):
        if via in state:
            yield Transition(name, via, state[via])
    for via in ("Choices", "Catch"):
        for index, rule in enumerate(state.get(via, ())):
            yield Transition(name, f"{via}[{index}]", rule["Next"])
