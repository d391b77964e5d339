"""Shelves as they are brought to the engine; moto stands in for it."""

from inventory.repository import StockTable
from sagashop_local.seed import CatalogueEntry, read_catalogue, seed
from sagashop_ops.aws import Aws
from shared.money import Money

DYNAMODB = Aws("https://dynamodb.us-east-1.amazonaws.com").client("dynamodb")
MUG = CatalogueEntry("product-001", "Mug", "Holds tea.", price_cents=900, units=10)
DEARER_MUG = CatalogueEntry("product-001", "Mug", "Holds tea.", price_cents=950, units=10)


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
