"""The circuit breakers as an operator sees them, and closes them."""

from typing import Any

import pytest

from sagashop_ops import circuit
from support.operators import FakeJournal, FakeStore

OPEN = {"state": "OPEN", "failures": 5, "retry_after_seconds": 12}


def test_each_service_is_asked_for_its_circuit() -> None:
    store = FakeStore()
    store.functions.answers = {"PaymentSteps": OPEN}
    store.functions.errors = {"ShippingSteps": "ValidationFailed"}

    assert circuit.read(store.deployment) == {"payment": OPEN, "shipping": None}
    assert store.functions.calls == [
        (function, {"query": "circuit"}) for function in ("PaymentSteps", "ShippingSteps")
    ]


def test_the_states_are_told_in_words() -> None:
    closed = {"state": "CLOSED", "failures": 2, "retry_after_seconds": 0}

    assert circuit.describe({"payment": OPEN, "shipping": closed}) == (
        "payment OPEN after 5 failures (next try in 12 s), shipping CLOSED"
    )
    assert circuit.describe({"shipping": None}) == "shipping did not answer"


def test_closing_a_circuit_deletes_its_row_and_is_on_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deleted: list[tuple[str, Any]] = []

    class FakeTable:
        def __init__(self, service: str) -> None:
            self.service = service

        def delete_item(self, Key: Any) -> None:  # noqa: N803 - botocore's name
            deleted.append((self.service, Key))

    monkeypatch.setattr(circuit, "table_of", lambda _, service: FakeTable(service))
    journal = FakeJournal()

    circuit.close(FakeStore().deployment, journal.as_journal, "payment", "the provider is back")

    assert deleted == [("payment", {"pk": "CIRCUIT#payment", "sk": "CIRCUIT"})]
    assert journal.entries == [
        ("close circuit", "payment", "the provider is back", "DONE", {}),
    ]
