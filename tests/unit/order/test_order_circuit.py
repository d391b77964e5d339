"""Whether payments can be taken now, as the order service learns it from the payment service."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from order import wiring
from order.circuit import PaymentCircuit
from shared import clock, queries

OPEN = {"state": "OPEN", "failures": 5, "retry_after_seconds": 20}
CLOSED = {"state": "CLOSED", "failures": 0, "retry_after_seconds": 0}


class FakePayments:
    """The payment service's function: answers, or fails."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, Any]] = []

    def ask(self, function: str, question: Any, *, timeout: float) -> Any:
        """See `queries.ask`."""
        assert timeout <= 2, "a request has ten seconds for everything"
        self.asked.append((function, question))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


type Answering = Callable[[dict[str, Any] | Exception], FakePayments]


@pytest.fixture
def payments(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Makes the payment service answer: `payments(OPEN)`."""

    def answering(answer: dict[str, Any] | Exception) -> FakePayments:
        fake = FakePayments(answer)
        monkeypatch.setattr(queries, "ask", fake.ask)
        return fake

    return answering


@pytest.mark.parametrize(
    ("answer", "retry_after"),
    [
        (OPEN, 20),
        (OPEN | {"retry_after_seconds": 0}, 1),
        (CLOSED, None),
        (OPEN | {"state": "HALF_OPEN"}, None),
        (queries.QueryFailed("PaymentSteps", "StorageContention"), None),
        (ReadTimeoutError(endpoint_url="https://lambda"), None),
    ],
    ids=["open", "about to close", "closed", "half open", "failed", "silent"],
)
def test_orders_wait_only_for_a_circuit_that_is_known_to_be_open(
    answer: dict[str, Any] | Exception,
    retry_after: int | None,
    payments: Answering,
    frozen_clock: Any,
) -> None:
    # Given
    fake = payments(answer)

    # Then
    assert PaymentCircuit("PaymentSteps").retry_after(clock.now()) == retry_after
    assert fake.asked == [("PaymentSteps", {"query": "circuit"})]


@pytest.mark.parametrize("first", [OPEN, CLOSED, ReadTimeoutError(endpoint_url="https://lambda")])
def test_an_answer_counts_for_three_seconds(
    first: dict[str, Any] | Exception, payments: Answering, frozen_clock: Any
) -> None:
    # Given
    fake = payments(first)
    circuit = PaymentCircuit("PaymentSteps")
    known = circuit.retry_after(clock.now())

    # When
    fake.answer = CLOSED if first is OPEN else OPEN
    frozen_clock.advance(seconds=2.9)

    # Then
    assert circuit.retry_after(clock.now()) == known
    frozen_clock.advance(seconds=0.1)
    assert circuit.retry_after(clock.now()) != known
    assert len(fake.asked) == 2


@pytest.mark.parametrize(("value", "is_asked"), [("true", True), ("false", False)])
def test_the_circuit_is_asked_only_where_a_parameter_says_so(
    value: str, is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("REFUSE_ORDERS_WHILE_CIRCUIT_OPEN", value)
    monkeypatch.setenv("PAYMENT_STEPS_FUNCTION", "PaymentSteps")

    # Then: past the caches, which outlive a test
    monkeypatch.setattr(wiring, "settings", wiring.settings.__wrapped__)
    assert (wiring.payment_circuit.__wrapped__() is not None) == is_asked
