"""The saga as the storefront draws it."""

import json
from typing import Any

import pytest

from sagashop_ops.saga_graph import saga_graph
from support.saga_definition import DEFINITION_FILE, compensations, states, transitions


@pytest.fixture(scope="module")
def graph() -> dict[str, Any]:
    return saga_graph(DEFINITION_FILE.read_text(encoding="utf-8"))


def test_every_state_and_every_way_between_two_is_in_it(graph: dict[str, Any]) -> None:
    assert [state["name"] for state in graph["states"]] == list(states())
    assert {(edge["from"], edge["to"]) for edge in graph["edges"]} == {
        (edge.source, edge.target) for edge in transitions()
    }


def test_two_states_have_one_edge_of_a_kind_at_most(graph: dict[str, Any]) -> None:
    edges = [tuple(edge.values()) for edge in graph["edges"]]

    assert len(edges) == len(set(edges))


def test_states_are_told_apart_by_what_they_do(graph: dict[str, Any]) -> None:
    # Given
    kinds: dict[str, set[str]] = {}
    for state in graph["states"]:
        kinds.setdefault(state["kind"], set()).add(state["name"])

    # Then
    assert kinds["compensation"] == set(compensations())
    assert kinds["choice"] == {"ResumeOrBegin", "PaymentGiven", "ChooseFirstCompensation"}
    assert {"OrderCompleted", "OrderCancelled", "NeedsAttention"} < kinds["end"]
    assert {"ReserveStock", "ChargePayment", "BeginCancellation"} < kinds["step"]


def test_a_failure_is_told_apart_from_what_comes_next(graph: dict[str, Any]) -> None:
    ways = {(edge["from"], edge["to"], edge["kind"]) for edge in graph["edges"]}

    assert ("ChargePayment", "RecordPayment", "next") in ways
    assert ("ChargePayment", "BeginCancellation", "failure") in ways


def test_the_functions_addresses_stay_out_of_it() -> None:
    # Given: a definition as Step Functions has it, with the account's id in it.
    text = DEFINITION_FILE.read_text(encoding="utf-8")
    deployed = text.replace("${OrderSteps}", "arn:aws:lambda:us-east-1:123456789012:function:x")

    # Then
    assert "123456789012" not in json.dumps(saga_graph(deployed))
