"""The inventory in memory, and its shelf as whoever seeds the store, or audits it, sees it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, override

from builders import CURRENCY
from inventory.domain import Product, Reservation, moves
from inventory.repository import StockChanged, StockTable
from shared import dynamodb
from shared.dynamodb import ConditionFailed, from_item, to_item
from shared.events import DomainEvent
from shared.money import Money
from unit.fakes import FakeRepository


class FakeStock(FakeRepository[Reservation]):
    """A `StockTable`; test_stock_repository.py holds it to the rules of the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.catalogue: dict[str, Product] = {}

    def products(self) -> list[Product]:
        """See `StockTable.products`."""
        return [self.catalogue[sku] for sku in sorted(self.catalogue)]

    def product(self, sku: str) -> Product | None:
        """See `StockTable.product`."""
        return self.catalogue.get(sku)

    def read(
        self, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation | None, dict[str, Product]]:
        """See `StockTable.read`."""
        known = {sku: self.catalogue[sku] for sku in skus if sku in self.catalogue}
        return self.find(order_id), known

    @override
    def _write(
        self, before: Reservation | None, after: Reservation, events: Sequence[DomainEvent]
    ) -> None:
        moved: dict[str, Product] = {}
        changed: dict[str, Product | None] = {}
        for move, line in zip(moves(before, after), after.lines, strict=True):
            product = self.catalogue.get(move.sku)
            if (
                product is None
                or getattr(product, move.source) < move.quantity
                or (
                    before is None and (product.name, product.price) != (line.name, line.unit_price)
                )
            ):
                changed[move.sku] = product
                continue
            counters: dict[str, int] = {
                move.source.value: getattr(product, move.source) - move.quantity,
                move.target.value: getattr(product, move.target) + move.quantity,
            }
            moved[move.sku] = replace(product, version=product.version + 1, **counters)
        if changed and before is None:
            raise StockChanged(changed)
        if changed:
            raise ConditionFailed({1: None})
        self.catalogue |= moved
        super()._write(before, after, events)


class Shelf(ABC):
    """The products behind a repository."""

    def stock(self, sku: str, units: int, *, price_cents: int = 1000, name: str = "") -> None:
        """Puts a new product on the shelf."""
        price = Money(price_cents, CURRENCY)
        name = name or f"Name of {sku}"
        self._put(Product(sku, name, f"All about {sku}", price, units, 0, 0, units, version=1))

    def change(self, sku: str, **attributes: Any) -> None:
        """Changes a product, as an operator might."""
        self._put(replace(self._get(sku), **attributes))

    def units(self, sku: str) -> tuple[int, int, int]:
        """Returns how many units are available, reserved and sold; they must add up."""
        product = self._get(sku)
        counters = (product.available, product.reserved, product.sold)
        assert sum(counters) == product.seeded, f"{sku} leaks: {product}"
        assert min(counters) >= 0, f"{sku} is oversold: {product}"
        return counters

    @abstractmethod
    def discontinue(self, sku: str) -> None:
        """Takes a product out of the catalogue."""

    @abstractmethod
    def _get(self, sku: str) -> Product: ...

    @abstractmethod
    def _put(self, product: Product) -> None: ...


@dataclass(frozen=True)
class FakeShelf(Shelf):
    """The shelf of a `FakeStock`."""

    repository: FakeStock

    @override
    def discontinue(self, sku: str) -> None:
        self.repository.catalogue.pop(sku, None)

    @override
    def _get(self, sku: str) -> Product:
        return self.repository.catalogue[sku]

    @override
    def _put(self, product: Product) -> None:
        self.repository.catalogue[product.sku] = product


@dataclass(frozen=True)
class TableShelf(Shelf):
    """The shelf of a `StockTable`."""

    table_name: str

    def row(self, pk: str, sk: str) -> dict[str, Any]:
        """Returns a row; empty where there is none."""
        response = dynamodb.client().get_item(
            TableName=self.table_name, Key=to_item({"pk": pk, "sk": sk})
        )
        return from_item(response.get("Item", {}))

    def put(self, row: dict[str, Any]) -> None:
        """Writes a row."""
        dynamodb.client().put_item(TableName=self.table_name, Item=to_item(row))

    @override
    def discontinue(self, sku: str) -> None:
        dynamodb.client().delete_item(
            TableName=self.table_name, Key=to_item({"pk": "PRODUCT", "sk": sku})
        )

    @override
    def _get(self, sku: str) -> Product:
        product = StockTable(dynamodb.client(), self.table_name).product(sku)
        assert product is not None
        return product

    @override
    def _put(self, product: Product) -> None:
        self.put(
            {
                "pk": "PRODUCT",
                "sk": product.sku,
                "name": product.name,
                "description": product.description,
                "price_cents": product.price.cents,
                "currency": product.price.currency,
                "available": product.available,
                "reserved": product.reserved,
                "sold": product.sold,
                "seeded": product.seeded,
                "version": product.version,
            }
        )
