"""A shipping table in memory, with the carrier whose book is in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from builders import ORDER_ID
from shared import dynamodb
from shared.chaos import Chaos
from shared.dynamodb import from_item, to_item
from shipping.repository import ShipmentTable
from shipping.simulated_carrier import SimulatedCarrier


@dataclass(frozen=True)
class BookUnderTest:
    """The order's row in the carrier's book, as an audit sees it."""

    table_name: str

    def row(self) -> dict[str, Any]:
        """Returns the row; empty where there is none."""
        response = dynamodb.client().get_item(TableName=self.table_name, Key=self._key)
        return from_item(response.get("Item", {}))

    def status(self) -> str | None:
        """Returns what the carrier thinks of the order."""
        return self.row().get("status")

    def forget(self) -> None:
        """Loses the row."""
        dynamodb.client().delete_item(TableName=self.table_name, Key=self._key)

    @property
    def _key(self) -> dict[str, Any]:
        return to_item({"pk": f"CARRIER#{ORDER_ID}", "sk": "BOOKING"})


@dataclass
class ChaosInStore:
    """What the carrier suffers, to be changed while it runs, and how long it was made to wait."""

    chaos: Chaos = field(default_factory=Chaos)
    naps: list[float] = field(default_factory=list)


class InterruptedTable(ShipmentTable):
    """A repository on which something else happens before it writes the outcome of a step."""

    def __init__(self, table_name: str, interruption: Callable[[], Any]) -> None:
        super().__init__(dynamodb.client(), table_name)
        self._interruption = interruption

    def update(self, *arguments: Any) -> None:
        """Is interrupted before it writes."""
        self._interruption()
        super().update(*arguments)


@pytest.fixture
def book(shipping_table: str) -> BookUnderTest:
    """The order's row in the carrier's book."""
    return BookUnderTest(shipping_table)


@pytest.fixture
def repository(shipping_table: str) -> ShipmentTable:
    """The repository under test."""
    return ShipmentTable(dynamodb.client(), shipping_table)


@pytest.fixture
def in_store() -> ChaosInStore:
    """What goes wrong at the carrier: nothing, until a test changes it."""
    return ChaosInStore()


@pytest.fixture
def carrier(shipping_table: str, in_store: ChaosInStore) -> SimulatedCarrier:
    """The carrier; it never really waits."""
    return SimulatedCarrier(
        dynamodb.client(),
        shipping_table,
        read_chaos=lambda: in_store.chaos,
        sleep=in_store.naps.append,
    )


@pytest.fixture
def interrupted(shipping_table: str) -> Callable[[Callable[[], Any]], InterruptedTable]:
    """Makes a repository that is interrupted before it writes an outcome."""
    return lambda interruption: InterruptedTable(shipping_table, interruption)
