"""The circuit breaker at the carrier, as the saga's steps meet it."""

from collections.abc import Iterator
from typing import Any

import pytest

from builders import ORDER_ID, an_order
from shared import chaos
from shared.chaos import Chaos, Failures
from shared.errors import CarrierUnavailable, CircuitOpen, ShipmentRejected
from shipping import saga, wiring

DOWN = Chaos(shipping=Failures(error_rate=1))


@pytest.fixture(autouse=True)
def _worker(shipping_table, frozen_clock, monkeypatch) -> Iterator[None]:
    """A new worker, with all of the real wiring; failures only where a test injects some."""
    monkeypatch.setattr(chaos, "read", Chaos)
    parts = (wiring.repository, wiring.carrier, wiring.carrier_circuit)
    for part in parts:
        part.cache_clear()
    yield
    for part in parts:
        part.cache_clear()


@pytest.fixture
def run(lambda_context) -> Any:
    """Runs a step for an order: `run(step, order_id, country)`."""

    def run(step: str, order_id: str = ORDER_ID, country: str = "US") -> Any:
        order = an_order().with_id(order_id)
        address = order.body()["shipping_address"] | {"country": country}
        items = [{"sku": "product-001", "quantity": 1}]
        fields = {"shipping_address": address, "items": items} if step == "CreateShipment" else {}
        return saga.handler(order.payload(step, **fields), lambda_context)

    return run


@pytest.fixture
def circuit(lambda_context) -> Any:
    """Asks the function for the circuit's state."""
    return lambda: saga.handler({"query": "circuit"}, lambda_context)


def test_a_carrier_that_takes_no_requests_is_left_alone(run, circuit, monkeypatch, frozen_clock):
    monkeypatch.setattr(chaos, "read", lambda: DOWN)
    for step in ["CreateShipment", "CancelShipment"] * 2 + ["CreateShipment"]:
        with pytest.raises(CarrierUnavailable):
            run(step)
    monkeypatch.setattr(chaos, "read", Chaos)

    for step in ["CreateShipment", "CancelShipment"]:
        with pytest.raises(CircuitOpen):
            run(step)
    assert circuit() == {"state": "OPEN", "failures": 5, "retry_after_seconds": 30}

    frozen_clock.advance(seconds=30)
    assert run("CancelShipment")["status"] == "CANCELLED"
    assert circuit()["state"] == "CLOSED"


def test_rejected_parcels_say_nothing_of_the_carrier(run, circuit):
    for number in range(6):
        with pytest.raises(ShipmentRejected):
            run("CreateShipment", f"ord_{number}", country="XX")

    assert circuit() == {"state": "CLOSED", "failures": 0, "retry_after_seconds": 0}
