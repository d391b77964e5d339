"""The saga as a graph, for drawing it: from the definition that Step Functions has deployed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

type State = Mapping[str, Any]


def saga_graph(definition: str) -> dict[str, Any]:
    """Returns what can be drawn of a state machine, in the definition's order.

        {"start": name, "states": [{"name", "kind", "comment"}], "edges": [{"from", "to", "kind"}]}

    A state's kind is step, compensation, choice or end; an edge's is next or failure. Two states
    have one edge of a kind at most. Nothing else is in it: a definition names functions by ARNs,
    which hold the account's id.
    """
    machine = json.loads(definition)
    states: Mapping[str, State] = machine["States"]
    edges = dict.fromkeys(
        (name, target, kind) for name, state in states.items() for target, kind in _leads_to(state)
    )
    return {
        "start": machine["StartAt"],
        "states": [
            {"name": name, "kind": _kind_of(name, state), "comment": state.get("Comment", "")}
            for name, state in states.items()
        ],
        "edges": [{"from": source, "to": target, "kind": kind} for source, target, kind in edges],
    }


def _kind_of(name: str, state: State) -> str:
    """Returns a state's kind; a compensation is a task that names itself where it gets stuck."""
    if state["Type"] in ("Succeed", "Fail"):
        return "end"
    if state["Type"] == "Choice":
        return "choice"
    stuck = (catcher.get("Assign", {}).get("compensation") for catcher in state.get("Catch", ()))
    return "compensation" if name in stuck else "step"


def _leads_to(state: State) -> Iterator[tuple[str, str]]:
    """Yields each state that may follow, with the kind of the edge."""
    for rule in ("Next", "Default"):
        if rule in state:
            yield state[rule], "next"
    for choice in state.get("Choices", ()):
        yield choice["Next"], "next"
    for catcher in state.get("Catch", ()):
        yield catcher["Next"], "failure"
