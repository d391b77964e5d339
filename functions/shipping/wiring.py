"""Builds what the shipping service works with, once a process and at its first use."""

from functools import cache

from shared import circuit, dynamodb, settings
from shared.circuit import Circuit
from shared.errors import CarrierUnavailable
from shared.ledger import Ledger
from shared.storage import own_table
from shipping.carrier import Carrier
from shipping.protected_carrier import ProtectedCarrier
from shipping.repository import ShipmentTable
from shipping.simulated_carrier import NO_EFFECT, SimulatedCarrier


@cache
def repository() -> ShipmentTable:
    return ShipmentTable(dynamodb.client(), own_table())


@cache
def carrier() -> Carrier:
    """Returns the carrier, behind its circuit: the one place to change for a real one.

    The simulated one keeps its book in the shipping service's table.
    """
    book = Ledger(dynamodb.client(), own_table(), "CARRIER", "BOOKING", NO_EFFECT)
    return ProtectedCarrier(SimulatedCarrier(book), carrier_circuit())


@cache
def carrier_circuit() -> Circuit:
    limits = settings.load(circuit.Settings)
    return Circuit(dynamodb.client(), own_table(), "shipping", (CarrierUnavailable,), limits)
