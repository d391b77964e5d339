"""Puts the catalogue on the inventory's shelves; what is there already keeps its stock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sagashop_cli.aws import Aws

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")
CURRENCY = "USD"


@dataclass(frozen=True)
class CatalogueEntry:
    """A product for sale: its price in minor units of `CURRENCY`, and the units to begin with."""

    sku: str
    name: str
    description: str
    price_cents: int
    units: int


def read_catalogue(path: Path = CATALOGUE_FILE) -> list[CatalogueEntry]:
    """Reads the seeded products, in the order of the file."""
    return [CatalogueEntry(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def seed(aws: Aws, table_name: str, catalogue: Sequence[CatalogueEntry]) -> int:
    """Writes the catalogue to the inventory's table; returns how many products were new.

    A product that exists gets the catalogue's words and price but keeps its stock, which by now may
    have been sold. The row's shape is the inventory service's (`inventory/repository.py`).
    """
    return sum(_put(aws, table_name, entry) for entry in catalogue)


def _put(aws: Aws, table_name: str, entry: CatalogueEntry) -> bool:
    """Writes one product; returns whether it was new."""
    stocked = {"available": entry.units, "reserved": 0, "sold": 0, "seeded": entry.units}
    described = [
        "#name = :name",
        "description = :description",
        "price_cents = :price_cents",
        "currency = :currency",
    ]
    kept = [f"{name} = if_not_exists({name}, :{name})" for name in (*stocked, "version")]
    before = aws.dynamodb.update_item(
        TableName=table_name,
        Key={"pk": {"S": "PRODUCT"}, "sk": {"S": entry.sku}},
        UpdateExpression=f"SET {', '.join([*described, *kept])}",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={
            ":name": {"S": entry.name},
            ":description": {"S": entry.description},
            ":price_cents": {"N": str(entry.price_cents)},
            ":currency": {"S": CURRENCY},
            ":version": {"N": "1"},
            **{f":{name}": {"N": str(units)} for name, units in stocked.items()},
        },
        ReturnValues="ALL_OLD",
    )
    return "Attributes" not in before
