"""A shop's shelf in memory, to stock, to look at, and to change behind a step's back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from builders import CURRENCY
from inventory.repository import StockTable
from shared import dynamodb
from shared.dynamodb import from_item, to_item


@dataclass(frozen=True)
class ShelfUnderTest:
    """The inventory's table as whoever seeds the store, or audits it, sees it."""

    table_name: str

    def stock(self, sku: str, units: int, *, price_cents: int = 1000, name: str = "") -> None:
        """Puts a new product on the shelf."""
        self._put(
            {
                "pk": "PRODUCT",
                "sk": sku,
                "name": name or f"Name of {sku}",
                "description": f"All about {sku}",
                "price_cents": price_cents,
                "currency": CURRENCY,
                "available": units,
                "reserved": 0,
                "sold": 0,
                "seeded": units,
                "version": 1,
            }
        )

    def change(self, sku: str, **attributes: Any) -> None:
        """Changes a product, as an operator might."""
        self._put(self.row("PRODUCT", sku) | attributes)

    def discontinue(self, sku: str) -> None:
        """Takes a product out of the catalogue."""
        dynamodb.client().delete_item(
            TableName=self.table_name, Key=to_item({"pk": "PRODUCT", "sk": sku})
        )

    def units(self, sku: str) -> tuple[int, int, int]:
        """Returns how many units are available, reserved and sold; they must add up."""
        row = self.row("PRODUCT", sku)
        counters = (row["available"], row["reserved"], row["sold"])
        assert sum(counters) == row["seeded"], f"{sku} leaks: {row}"
        assert min(counters) >= 0, f"{sku} is oversold: {row}"
        return counters

    def row(self, pk: str, sk: str) -> dict[str, Any]:
        """Returns a row; empty where there is none."""
        response = dynamodb.client().get_item(
            TableName=self.table_name, Key=to_item({"pk": pk, "sk": sk})
        )
        return from_item(response.get("Item", {}))

    def _put(self, row: dict[str, Any]) -> None:
        dynamodb.client().put_item(TableName=self.table_name, Item=to_item(row))


class InterruptedTable(StockTable):
    """A repository on which something else happens between a step's read and its write."""

    def __init__(self, table_name: str, interruption: Callable[[], None]) -> None:
        super().__init__(dynamodb.client(), table_name)
        self._interruption = interruption

    def create(self, *arguments: Any) -> Any:
        """Is interrupted before it writes."""
        self._interruption()
        return super().create(*arguments)

    def update(self, *arguments: Any) -> None:
        """Is interrupted before it writes."""
        self._interruption()
        super().update(*arguments)


@pytest.fixture
def shelf(inventory_table: str) -> ShelfUnderTest:
    """An empty shelf."""
    return ShelfUnderTest(inventory_table)


@pytest.fixture
def repository(inventory_table: str) -> StockTable:
    """The repository under test."""
    return StockTable(dynamodb.client(), inventory_table)


@pytest.fixture
def interrupted(inventory_table: str) -> Callable[[Callable[[], None]], InterruptedTable]:
    """Makes a repository that is interrupted before each write."""
    return lambda interruption: InterruptedTable(inventory_table, interruption)
