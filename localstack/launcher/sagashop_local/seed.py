"""Adds the catalogue to the inventory; a product that is there already keeps its stock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sagashop_ops.prices import first_price, set_price

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

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

    An existing product gets the catalogue's texts and price but keeps its stock and the history of
    its prices. The row's shape is the inventory service's (`inventory/repository.py`).
    """
    return sum(_put(dynamodb, table_name, entry) for entry in catalogue)


def _put(dynamodb: "DynamoDBClient", table_name: str, entry: CatalogueEntry) -> bool:
    """Writes one product; returns whether it was new."""
    key: dict[str, AttributeValueTypeDef] = {"pk": {"S": "PRODUCT"}, "sk": {"S": entry.sku}}
    texts = {"name": entry.name, "description": entry.description, "currency": CURRENCY}
    described: dict[str, AttributeValueTypeDef] = {
        name: {"S": text} for name, text in texts.items()
    }
    numbers = {
        "price_cents": entry.price_cents,
        "available": entry.units,
        "reserved": 0,
        "sold": 0,
        "seeded": entry.units,
        "version": 1,
    }
    counted: dict[str, AttributeValueTypeDef] = {n: {"N": str(v)} for n, v in numbers.items()}
    prices = first_price(entry.price_cents)
    try:
        dynamodb.put_item(
            TableName=table_name,
            Item={**key, **described, **counted, "prices": prices},
            ConditionExpression="attribute_not_exists(pk)",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        dynamodb.update_item(
            TableName=table_name,
            Key=key,
            UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in texts)}",
            ExpressionAttributeNames={f"#{name}": name for name in texts},
            ExpressionAttributeValues={f":{name}": value for name, value in described.items()},
        )
        set_price(dynamodb, table_name, entry.sku, entry.price_cents)
        return False
    return True
