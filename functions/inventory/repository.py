"""The inventory's table: the catalogue, and the reservations of its stock.

    PRODUCT                 <sku>         name, description, price_cents, prices, currency,
                                          available, reserved, sold, seeded, version
    RESERVATION#<order_id>  RESERVATION   order_id, status, lines, refusal, version, updated_at,
                                          unsettled

A product row is written by whoever seeds the store: `seeded` units in all, of which `available` at
first, with `reserved` and `sold` 0 and `version` 1. From then on available + reserved + sold =
seeded. An edit from outside sets single attributes, or makes the write of a whole row conditional
on `version`, which every movement of stock raises: it must not write old stock over a sale. Whoever
changes `price_cents` also appends to `prices`, `[{"since": ISO time, "price_cents"}]`, by which an
audit knows what was promised; the service does not read them.

`shared.storage` says how reservations are read and written. The transaction that writes one also
moves its units.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from inventory.domain import (
    Move,
    Product,
    Refusal,
    Reservation,
    ReservationStatus,
    ReservedLine,
    Shelf,
    Shortage,
    moves,
)
from shared.clock import from_iso, to_iso
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    get_row,
    query_rows,
    to_item,
    typed_failures,
)
from shared.errors import StockContention, StorageContention
from shared.events import DomainEvent
from shared.money import Money
from shared.storage import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_CATALOGUE = "PRODUCT"
_MAX_KEY_BYTES = 1024


class StockChanged(Exception):
    """Products were not, at the moment of the write, what the reservation had been decided on.

    `products` holds them as they were at that moment, by SKU; None for one that was gone.
    """

    def __init__(self, products: Mapping[str, Product | None]) -> None:
        super().__init__(f"changed meanwhile: {', '.join(sorted(products))}")
        self.products = products


class StockTable(Table[Reservation]):
    """The catalogue and the reservations. Writing a reservation moves its units, all or nothing.

    `create` also raises StockChanged. Both writes raise StockContention where the table was busy.
    `update` raises ConditionFailed where a shelf holds fewer units than the reservation says: the
    counters are wrong, which no retry fixes.
    """

    entity = "RESERVATION"

    def products(self) -> list[Product]:
        """Returns the whole catalogue, sorted by SKU."""
        rows = query_rows(self._dynamodb, self._table, "pk = :pk", {":pk": _CATALOGUE})
        return [_to_product(row) for row in rows]

    def product(self, sku: str) -> Product | None:
        # A caller may write anything into a URL, and DynamoDB refuses a key that is too long.
        if len(sku.encode()) > _MAX_KEY_BYTES:
            return None
        row = get_row(self._dynamodb, self._table, _product_key(sku))
        return _to_product(row) if row else None

    def read(
        self, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation | None, dict[str, Product]]:
        """Returns the order's reservation and those of the products that exist, by SKU."""
        keys = [self._key(order_id), *(_product_key(sku) for sku in skus)]
        with typed_failures():
            response = self._dynamodb.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        if response["UnprocessedKeys"]:
            raise StorageContention("the table did not return all rows")
        rows = [from_item(item) for item in response["Responses"][self._table]]
        products = {row["sk"]: _to_product(row) for row in rows if row["pk"] == _CATALOGUE}
        reservation = next((row for row in rows if row["pk"] != _CATALOGUE), None)
        return self._from_item(reservation) if reservation else None, products

    def create(self, row: Reservation, events: Sequence[DomainEvent] = ()) -> Reservation:
        try:
            return super().create(row, events)
        except ConditionFailed as refused:
            raise StockChanged(
                {
                    row.lines[position - 1].sku: _to_product(item) if item else None
                    for position, item in refused.failed.items()
                }
            ) from refused

    def _write(
        self,
        before: Reservation | None,
        after: Reservation,
        events: Sequence[DomainEvent],
        more: Sequence["TransactWriteItemTypeDef"] = (),
    ) -> None:
        """Moves the reservation's units, the first time at the prices that it was decided on."""
        moved = [
            self._move(move, None if before else line)
            for move, line in zip(moves(before, after), after.lines, strict=True)
        ]
        try:
            super()._write(before, after, events, [*moved, *more])
        except StorageContention as busy:
            raise StockContention("another order is changing the same stock") from busy

    def _to_item(self, row: Reservation) -> Item:
        return {
            "order_id": row.order_id,
            "status": row.status.value,
            "lines": [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "unit_price_cents": line.unit_price.cents,
                    "currency": line.unit_price.currency,
                }
                for line in row.lines
            ],
            "refusal": None if row.refusal is None else asdict(row.refusal),
            "version": row.version,
            "updated_at": to_iso(row.updated_at),
        }

    def _from_item(self, item: Item) -> Reservation:
        refusal = item["refusal"]
        return Reservation(
            order_id=item["order_id"],
            status=ReservationStatus(item["status"]),
            # Old rows have none.
            updated_at=from_iso(item.get("updated_at", "1970-01-01T00:00:00.000Z")),
            lines=tuple(
                ReservedLine(
                    line["sku"],
                    line["name"],
                    line["quantity"],
                    Money(line["unit_price_cents"], line["currency"]),
                )
                for line in item["lines"]
            ),
            refusal=None
            if refusal is None
            else Refusal(
                refusal["reason"],
                refusal["message"],
                tuple(Shortage(**shortage) for shortage in refusal["shortages"]),
            ),
            version=item["version"],
        )

    def _move(self, move: Move, line: ReservedLine | None = None) -> "TransactWriteItemTypeDef":
        """Moves units between shelves, where the source has them; given a line, at its price."""
        condition = "#source >= :quantity"
        names = {"#source": move.source.value, "#target": move.target.value}
        values: dict[str, str | int] = {":quantity": move.quantity, ":one": 1}
        if line is not None:
            # Not `version = …`: that would let only one of many buyers through, where what each of
            # them insists on is the price, and the counter guards the stock.
            condition += " AND #name = :name AND price_cents = :price AND currency = :currency"
            names["#name"] = "name"
            values |= {
                ":name": line.name,
                ":price": line.unit_price.cents,
                ":currency": line.unit_price.currency,
            }
        return {
            "Update": {
                "TableName": self._table,
                "Key": _product_key(move.sku),
                "UpdateExpression": "SET #source = #source - :quantity, "
                "#target = #target + :quantity, version = version + :one",
                "ConditionExpression": condition,
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": to_item(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }


def _product_key(sku: str) -> dict[str, Any]:
    return to_item({"pk": _CATALOGUE, "sk": sku})


def _to_product(row: Item) -> Product:
    return Product(
        sku=row["sk"],
        name=row["name"],
        description=row["description"],
        price=Money(row["price_cents"], row["currency"]),
        available=row[Shelf.AVAILABLE],
        reserved=row[Shelf.RESERVED],
        sold=row[Shelf.SOLD],
        seeded=row["seeded"],
        version=row["version"],
    )
