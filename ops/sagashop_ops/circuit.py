"""The circuit breakers at the payment provider and the carrier: read, and closed by hand."""

from collections.abc import Mapping
from typing import Any

from sagashop_ops.aws import Deployment, call_function, table_of
from sagashop_ops.errors import OperationRefused
from sagashop_ops.journal import Journal

SERVICES: Mapping[str, str] = {"payment": "PaymentSteps", "shipping": "ShippingSteps"}
"""The function of each service that answers for its partner's circuit."""

type State = Mapping[str, Any]


def read(deployment: Deployment) -> dict[str, State | None]:
    """Returns `{"state", "failures", "retry_after_seconds"}` of each service's circuit.

    None where the service did not answer.
    """
    states: dict[str, State | None] = {}
    for service, function in SERVICES.items():
        try:
            states[service] = call_function(deployment, function, {"query": "circuit"})
        except OperationRefused:
            states[service] = None
    return states


def describe(states: Mapping[str, State | None]) -> str:
    """Returns the circuits as one line."""
    return ", ".join(f"{service} {_words(state)}" for service, state in states.items())


def close(deployment: Deployment, journal: Journal, service: str, reason: str) -> None:
    """Forgets a service's circuit, which counts as closed then."""
    with journal.record("close circuit", service, reason):
        table_of(deployment.stack, service).delete_item(
            Key={"pk": f"CIRCUIT#{service}", "sk": "CIRCUIT"}
        )


def _words(state: State | None) -> str:
    if state is None:
        return "did not answer"
    if state["state"] == "CLOSED":
        return "CLOSED"
    wait = state["retry_after_seconds"]
    return f"{state['state']} after {state['failures']} failures (next try in {wait} s)"
