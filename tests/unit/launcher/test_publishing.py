"""Shelves and storefront as they are brought to the engine; moto stands in for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from inventory.repository import StockTable
from sagashop_local.seed import CatalogueEntry, read_catalogue, seed
from sagashop_local.storefront import content_type, publish
from sagashop_ops.aws import Aws
from shared.money import Money

DYNAMODB = Aws("https://dynamodb.us-east-1.amazonaws.com").client("dynamodb")
MUG = CatalogueEntry("product-001", "Mug", "Holds tea.", price_cents=900, units=10)
DEARER_MUG = CatalogueEntry("product-001", "Mug", "Holds tea.", price_cents=950, units=10)


@pytest.fixture
def website(aws: None) -> Any:
    s3 = Aws("https://s3.amazonaws.com").client("s3")
    s3.create_bucket(Bucket="storefront")
    return s3


def test_the_inventory_service_finds_what_was_seeded(inventory_table: str) -> None:
    assert seed(DYNAMODB, inventory_table, [MUG]) == 1

    product = StockTable(DYNAMODB, inventory_table).product("product-001")
    assert product
    assert (product.name, product.description) == ("Mug", "Holds tea.")
    assert product.price == Money(900, "USD")
    assert (product.available, product.reserved, product.sold, product.seeded) == (10, 0, 0, 10)


def test_seeding_again_keeps_the_stock_and_brings_the_new_price(inventory_table: str) -> None:
    seed(DYNAMODB, inventory_table, [MUG])
    DYNAMODB.update_item(
        TableName=inventory_table,
        Key={"pk": {"S": "PRODUCT"}, "sk": {"S": "product-001"}},
        UpdateExpression="SET available = :left, sold = :sold",
        ExpressionAttributeValues={":left": {"N": "7"}, ":sold": {"N": "3"}},
    )

    assert seed(DYNAMODB, inventory_table, [DEARER_MUG]) == 0

    product = StockTable(DYNAMODB, inventory_table).product("product-001")
    assert product
    assert (product.available, product.sold, product.seeded) == (7, 3, 10)
    assert product.price.cents == 950


def test_seeding_again_appends_a_new_price_to_the_history_and_no_other(
    inventory_table: str,
) -> None:
    for entry in (MUG, MUG, DEARER_MUG, DEARER_MUG):
        seed(DYNAMODB, inventory_table, [entry])

    history = prices_of(inventory_table)
    assert [cents for _, cents in history] == [900, 950]
    assert history == sorted(history)


def test_a_product_of_an_earlier_release_gets_a_history(inventory_table: str) -> None:
    seed(DYNAMODB, inventory_table, [MUG])
    DYNAMODB.update_item(
        TableName=inventory_table,
        Key={"pk": {"S": "PRODUCT"}, "sk": {"S": "product-001"}},
        UpdateExpression="REMOVE prices",
    )

    seed(DYNAMODB, inventory_table, [MUG])

    assert [cents for _, cents in prices_of(inventory_table)] == [900]


def prices_of(table: str) -> list[tuple[str, int]]:
    """Returns when each of the product's prices began, and the price."""
    key = {"pk": {"S": "PRODUCT"}, "sk": {"S": "product-001"}}
    row = DYNAMODB.get_item(TableName=table, Key=key)["Item"]
    return [
        (entry["M"]["since"]["S"], int(entry["M"]["price_cents"]["N"]))
        for entry in row["prices"]["L"]
    ]


def test_the_catalogue_has_the_products_that_outsiders_count_on() -> None:
    catalogue = {entry.sku: entry for entry in read_catalogue()}

    assert {sku: (e.name, e.units) for sku, e in catalogue.items() if sku <= "product-003"} == {
        "product-001": ("Laptop", 100),
        "product-002": ("Mouse", 500),
        "product-003": ("Keyboard", 300),
    }
    assert all(entry.price_cents > 0 and entry.description for entry in catalogue.values())


def test_the_storefront_is_published_with_the_address_of_the_api(
    website: Any, tmp_path: Path
) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "js" / "main.js").write_text("start()")

    assert publish(website, tmp_path, "storefront", "http://127.0.0.1:4566/api") == 3

    script = website.get_object(Bucket="storefront", Key="js/main.js")
    assert script["Body"].read() == b"start()"
    assert script["ContentType"] == "text/javascript; charset=utf-8"
    config = website.get_object(Bucket="storefront", Key="config.json")["Body"].read()
    assert json.loads(config) == {"apiUrl": "http://127.0.0.1:4566/api"}


def test_a_file_that_was_removed_is_no_longer_published(website: Any, tmp_path: Path) -> None:
    old = tmp_path / "old.html"
    old.write_text("old")
    publish(website, tmp_path, "storefront", "http://api")

    old.unlink()
    publish(website, tmp_path, "storefront", "http://api")

    listing = website.list_objects_v2(Bucket="storefront")
    assert [stored["Key"] for stored in listing["Contents"]] == ["config.json"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("styles.css", "text/css; charset=utf-8"),
        ("js/views/order.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
        ("config.json", "application/json; charset=utf-8"),
        ("photo.png", "image/png"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_browsers_are_told_what_a_file_is(name: str, expected: str) -> None:
    assert content_type(name) == expected
