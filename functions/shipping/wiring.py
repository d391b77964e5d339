"""Builds what the shipping service works with, once a process and at its first use."""

from functools import cache

from shared import dynamodb
from shared.ledger import Ledger
from shared.storage import own_table
from shipping.carrier import Carrier
from shipping.repository import ShipmentTable
from shipping.simulated_carrier import NO_EFFECT, SimulatedCarrier


@cache
def repository() -> ShipmentTable:
    return ShipmentTable(dynamodb.client(), own_table())


@cache
def carrier() -> Carrier:
    """Returns the carrier: the one place to change for a real one.

    The simulated one keeps its book in the shipping service's table.
    """
    book = Ledger(dynamodb.client(), own_table(), "CARRIER", "BOOKING", NO_EFFECT)
    return SimulatedCarrier(book)
