"""Adds the catalogue to the inventory; a product that is there already keeps its stock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CATALOGUE_FILE = Path(__file__).with_name("catalogue.json")
CURRENCY = "USD"


@dataclass(frozen=True)
class CatalogueEntry:
    """A product for sale: its price in minor units of `CURRENCY`, and its initial stock."""

    sku: str
    name: str
    description: str
    price_cents: int
    units: int


def read_catalogue() -> list[CatalogueEntry]:
    """Reads the seeded products, in the order of the file."""
    return [CatalogueEntry(**row) for row in json.loads(CATALOGUE_FILE.read_text("utf-8"))]


def seed(dynamodb: "DynamoDBClient", table_name: str, catalogue: Sequence[CatalogueEntry]) -> int:
    """Writes the catalogue to the inventory's table; returns how many products were new.

    An existing product gets the catalogue's texts and price but keeps its stock. The row's shape
    is the inventory service's (`inventory/repository.py`).
    """
    return sum(_put(dynamodb, table_name, entry) for entry in catalogue)


def _put(dynamodb: "DynamoDBClient", table_name: str, entry: CatalogueEntry) -> bool:
    """Writes one product; returns whether it was new."""
    stocked = {"available": entry.units, "reserved": 0, "sold": 0, "seeded": entry.units}
    described = [
        "#name = :name",
        "description = :description",
        "price_cents = :price_cents",
        "currency = :currency",
    ]
    kept = [f"{name} = if_not_exists({name}, :{name})" for name in (*stocked, "version")]
    before = dynamodb.update_item(
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
