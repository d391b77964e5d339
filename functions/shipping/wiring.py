"""Builds what the shipping service works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from shared import chaos, dynamodb
from shared.ledger import LedgerTable
from shared.settings import load
from shared.storage import Repository
from shipping.carrier import Carrier
from shipping.domain import Shipment
from shipping.repository import ShipmentTable
from shipping.simulated_carrier import SimulatedCarrier


@dataclass(frozen=True)
class Settings:
    """`table_name` is the shipping service's own table, which also holds the carrier's book."""

    table_name: str


@cache
def settings() -> Settings:
    """Returns the function's settings."""
    return load(Settings)


@cache
def repository() -> Repository[Shipment]:
    """Returns the shipments."""
    return ShipmentTable(dynamodb.client(), settings().table_name)


@cache
def carrier() -> Carrier:
    """Returns the carrier: the one place to change for a real one."""
    book = LedgerTable(dynamodb.client(), settings().table_name, "CARRIER", "BOOKING")
    return SimulatedCarrier(book, read_chaos=chaos.read)
