"""Reads from an execution's history which states it entered, and how it left each of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from support.saga_definition import Transition, catcher_of, states, transitions

_FAILED_ATTEMPTS = ("TaskFailed", "TaskTimedOut")


def entered_states(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the states that an execution has entered so far, in that order."""
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in events
        if "stateEnteredEventDetails" in event
    ]


def taken_transitions(events: Iterable[Mapping[str, Any]]) -> list[Transition]:
    """Returns the edges that an execution has taken so far.

    The history tells the last outcome before a state was left: that of its last attempt.
    """
    taken: list[Transition] = []
    current, error = "", None
    for event in events:
        match event["type"]:
            case "TaskSucceeded":
                error = None
            case "TaskFailed":
                error = event["taskFailedEventDetails"]["error"]
            case "TaskTimedOut":
                error = event["taskTimedOutEventDetails"]["error"]
            case kind if kind.endswith("StateEntered"):
                entered = event["stateEnteredEventDetails"]["name"]
                if current:
                    taken.append(transition_between(current, entered, error))
                current, error = entered, None
    return taken


def errors_by_state(events: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Returns the error of each failed attempt, retried ones included, by state."""
    errors: dict[str, list[str]] = {}
    current = ""
    for event in events:
        if "stateEnteredEventDetails" in event:
            current = event["stateEnteredEventDetails"]["name"]
        elif event["type"] in _FAILED_ATTEMPTS:
            (details,) = (part for name, part in event.items() if name.endswith("EventDetails"))
            errors.setdefault(current, []).append(details["error"])
    return errors


def transition_between(source: str, target: str, error: str | None = None) -> Transition:
    """Returns the edge that was taken to `target`; `error` is what the source failed with."""
    if error is not None:
        return Transition(source, f"Catch[{catcher_of(states()[source], error)}]", target)
    (edge,) = (
        edge
        for edge in transitions()
        if (edge.source, edge.target) == (source, target) and not edge.via.startswith("Catch")
    )
    return edge
