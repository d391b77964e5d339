"""The inventory's table: the one place in this service that speaks DynamoDB.

    PRODUCT                 <sku>                     name, description, price_cents, currency,
                                                      available, reserved, sold, seeded, version
    RESERVATION#<order_id>  RESERVATION               order_id, status, lines, refusal, version,
                                                      updated_at, unsettled
    RESERVATION#<order_id>  EVENT#<time>#<event id>   the outbox: see `shared.outbox`

A product row is written by whoever seeds the store: `seeded` units in all, of which `available` at
first, with `reserved` and `sold` 0 and `version` 1. From then on available + reserved + sold =
seeded. An edit from outside sets single attributes, or makes the write of a whole row conditional
on `version`, which every movement of stock raises: it must not write old stock over a sale.

Every write marks a reservation as `unsettled`, which puts it into the index of that name; the
sweeper takes the mark off once the order has ended and the reservation agrees.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
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
from inventory.ports import StockChanged
from shared import outbox, unsettled
from shared.clock import from_iso, to_iso
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    to_item,
    transact_write,
    typed_failures,
)
from shared.errors import StockContention, StorageContention
from shared.events import DomainEvent
from shared.money import Money

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_CATALOGUE = "PRODUCT"
_RESERVATION = "RESERVATION"


class StockTable:
    """A `ports.StockRepository`, and the catalogue's reads for the HTTP API."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def products(self) -> list[Product]:
        """Returns the whole catalogue, sorted by SKU. Raises StorageContention."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :catalogue",
            ExpressionAttributeValues={":catalogue": {"S": _CATALOGUE}},
        )
        with typed_failures():
            return [_to_product(from_item(item)) for page in pages for item in page["Items"]]

    def product(self, sku: str) -> Product | None:
        """Returns one product. Raises StorageContention."""
        with typed_failures():
            response = self._dynamodb.get_item(TableName=self._table, Key=_product_key(sku))
        item = response.get("Item")
        return _to_product(from_item(item)) if item else None

    def read(
        self, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation | None, dict[str, Product]]:
        """Returns the order's reservation and those of the products that exist, in one call.

        Raises StorageContention.
        """
        keys = [_reservation_key(order_id), *(_product_key(sku) for sku in skus)]
        with typed_failures():
            response = self._dynamodb.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        if response["UnprocessedKeys"]:
            raise StorageContention("the table did not return all rows")
        rows = [from_item(item) for item in response["Responses"][self._table]]
        products = {row["sk"]: _to_product(row) for row in rows if row["pk"] == _CATALOGUE}
        reservation = next((row for row in rows if row["pk"] != _CATALOGUE), None)
        return _to_reservation(reservation) if reservation else None, products

    def find(self, order_id: str) -> Reservation | None:
        """Returns the order's reservation. Raises StorageContention."""
        with typed_failures():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=_reservation_key(order_id), ConsistentRead=True
            )
        item = response.get("Item")
        return _to_reservation(from_item(item)) if item else None

    def create(self, reservation: Reservation, event: DomainEvent | None) -> Reservation:
        """See `ports.StockRepository.create`."""
        writes = [
            self._put(reservation, "attribute_not_exists(pk)"),
            *(
                self._move(move, line)
                for move, line in zip(moves(None, reservation), reservation.lines, strict=True)
            ),
        ]
        try:
            self._write(reservation, writes, event)
        except ConditionFailed as refused:
            if existing := refused.failed.get(0):
                return _to_reservation(existing)
            raise StockChanged(
                {
                    reservation.lines[position - 1].sku: _to_product(row) if row else None
                    for position, row in refused.failed.items()
                }
            ) from refused
        return reservation

    def update(self, before: Reservation, after: Reservation, event: DomainEvent) -> None:
        """See `ports.StockRepository.update`.

        A shelf that holds fewer units than the reservation says lets ConditionFailed through: the
        counters are wrong, which no retry mends.
        """
        writes = [
            self._put(after, "version = :before", {":before": before.version}),
            *(self._move(move) for move in moves(before, after)),
        ]
        try:
            self._write(after, writes, event)
        except ConditionFailed as refused:
            if 0 in refused.failed:
                raise StorageContention("another step changed the reservation") from refused
            raise

    def unsettled(self, before: datetime) -> Iterator[Reservation]:
        """See `ports.StockRepository.unsettled`."""
        return map(_to_reservation, unsettled.rows(self._dynamodb, self._table, before))

    def settle(self, reservation: Reservation) -> None:
        """See `ports.StockRepository.settle`."""
        unsettled.settle(
            self._dynamodb, self._table, _reservation_key(reservation.order_id), reservation.version
        )

    def _write(
        self,
        reservation: Reservation,
        writes: list["TransactWriteItemTypeDef"],
        event: DomainEvent | None,
    ) -> None:
        if event is not None:
            partition = _reservation_key(reservation.order_id)["pk"]["S"]
            writes = [*writes, outbox.put(self._table, partition, event)]
        try:
            transact_write(self._dynamodb, writes)
        except StorageContention as busy:
            raise StockContention("another order is changing the same stock") from busy

    def _put(
        self, reservation: Reservation, condition: str, values: dict[str, Any] | None = None
    ) -> "TransactWriteItemTypeDef":
        put: TransactWriteItemTypeDef = {
            "Put": {
                "TableName": self._table,
                "Item": _reservation_key(reservation.order_id)
                | to_item(_reservation_row(reservation)),
                "ConditionExpression": condition,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }
        if values:
            # DynamoDB refuses an empty map here.
            put["Put"]["ExpressionAttributeValues"] = to_item(values)
        return put

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


def _reservation_key(order_id: str) -> dict[str, Any]:
    return to_item({"pk": f"{_RESERVATION}#{order_id}", "sk": _RESERVATION})


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


def _reservation_row(reservation: Reservation) -> dict[str, Any]:
    return {
        "order_id": reservation.order_id,
        "status": reservation.status.value,
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "quantity": line.quantity,
                "unit_price_cents": line.unit_price.cents,
                "currency": line.unit_price.currency,
            }
            for line in reservation.lines
        ],
        "refusal": None if reservation.refusal is None else asdict(reservation.refusal),
        "version": reservation.version,
        "updated_at": to_iso(reservation.updated_at),
        "unsettled": unsettled.MARK,
    }


def _to_reservation(row: Item) -> Reservation:
    refusal = row["refusal"]
    return Reservation(
        order_id=row["order_id"],
        status=ReservationStatus(row["status"]),
        # A reservation from before there was a sweeper lacks it.
        updated_at=from_iso(row.get("updated_at", "1970-01-01T00:00:00.000Z")),
        lines=tuple(
            ReservedLine(
                line["sku"],
                line["name"],
                line["quantity"],
                Money(line["unit_price_cents"], line["currency"]),
            )
            for line in row["lines"]
        ),
        refusal=None
        if refusal is None
        else Refusal(
            refusal["reason"],
            refusal["message"],
            tuple(Shortage(**shortage) for shortage in refusal["shortages"]),
        ),
        version=row["version"],
    )
