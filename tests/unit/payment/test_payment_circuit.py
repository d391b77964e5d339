"""The circuit breaker at the payment provider, as the saga's steps meet it."""

from collections.abc import Iterator
from typing import Any

import pytest

from builders import CURRENCY, ORDER_ID, an_order
from payment import saga, wiring
from shared import chaos
from shared.chaos import Chaos, Failures
from shared.errors import (
    CircuitOpen,
    PaymentDeclined,
    PaymentOutcomeUnknown,
    PaymentProviderUnavailable,
    RefundUnavailable,
)

OPEN = {"state": "OPEN", "failures": 5, "retry_after_seconds": 30}
DOWN = Chaos(payment=Failures(error_rate=1))


@pytest.fixture(autouse=True)
def _worker(payment_table, frozen_clock, monkeypatch) -> Iterator[None]:
    """A new worker, with all of the real wiring; failures only where a test injects some."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.setattr(chaos, "read", Chaos)
    parts = (wiring.repository, wiring.provider, wiring.provider_circuit)
    for part in parts:
        part.cache_clear()
    yield
    for part in parts:
        part.cache_clear()


@pytest.fixture
def charge(lambda_context) -> Any:
    """Runs ChargePayment for an order: `charge(means, order_id)`."""

    def run(means: str = "tok_visa", order_id: str = ORDER_ID) -> Any:
        payload = (
            an_order()
            .with_id(order_id)
            .payload("ChargePayment", amount_cents=5000, currency=CURRENCY, token=means)
        )
        return saga.handler(payload, lambda_context)

    return run


@pytest.fixture
def refund(lambda_context) -> Any:
    """Runs RefundPayment for the order."""
    return lambda: saga.handler(an_order().payload("RefundPayment"), lambda_context)


@pytest.fixture
def circuit(lambda_context) -> Any:
    """Asks the function for the circuit's state."""
    return lambda: saga.handler({"query": "circuit"}, lambda_context)


def test_a_provider_that_takes_no_requests_is_left_alone(charge, circuit, monkeypatch):
    monkeypatch.setattr(chaos, "read", lambda: DOWN)
    for _ in range(5):
        with pytest.raises(PaymentProviderUnavailable):
            charge()
    monkeypatch.setattr(chaos, "read", Chaos)

    with pytest.raises(CircuitOpen):
        charge()
    assert circuit() == OPEN


def test_a_provider_whose_replies_are_lost_is_left_alone(charge, circuit):
    for _ in range(5):
        with pytest.raises(PaymentOutcomeUnknown):
            charge("tok_lost_reply")

    with pytest.raises(CircuitOpen):
        charge("tok_lost_reply")
    assert circuit() == OPEN


def test_a_refund_waits_for_the_circuit_too_and_says_so(charge, refund, monkeypatch, frozen_clock):
    charge()
    monkeypatch.setattr(chaos, "read", lambda: DOWN)
    for number in range(5):
        with pytest.raises(PaymentProviderUnavailable):
            charge(order_id=f"ord_{number}")
    monkeypatch.setattr(chaos, "read", Chaos)

    with pytest.raises(CircuitOpen):
        refund()
    frozen_clock.advance(seconds=30)
    assert refund()["refunded_cents"] == 5000


def test_a_charge_that_cannot_be_refunded_says_nothing_of_the_provider(charge, refund, circuit):
    charge("tok_refund_fails")

    for _ in range(6):
        with pytest.raises(RefundUnavailable):
            refund()
    assert circuit()["state"] == "CLOSED"


def test_declined_payments_say_nothing_of_the_provider(charge, circuit):
    for number in range(6):
        with pytest.raises(PaymentDeclined):
            charge("tok_declined", f"ord_{number}")

    assert circuit() == {"state": "CLOSED", "failures": 0, "retry_after_seconds": 0}


def test_the_limit_and_the_cooling_time_are_settings(charge, circuit, monkeypatch):
    monkeypatch.setenv("CIRCUIT_FAILURES", "1")
    monkeypatch.setenv("CIRCUIT_COOLING_SECONDS", "7.5")

    with pytest.raises(PaymentProviderUnavailable):
        charge("tok_flaky")

    assert circuit() == {"state": "OPEN", "failures": 1, "retry_after_seconds": 8}
