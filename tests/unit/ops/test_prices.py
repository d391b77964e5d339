"""Changing a price: the row and its history change together."""

from typing import Any

import pytest

from inventory.repository import StockTable
from sagashop_local.seed import CatalogueEntry, seed
from sagashop_ops.aws import Aws
from sagashop_ops.errors import UnknownProduct
from sagashop_ops.prices import set_price

DYNAMODB = Aws("https://dynamodb.us-east-1.amazonaws.com").client("dynamodb")
MUG = CatalogueEntry("product-001", "Mug", "Holds tea.", price_cents=900, units=10)


@pytest.fixture
def catalogue(inventory_table: str) -> str:
    """The inventory's table with a mug in it."""
    seed(DYNAMODB, inventory_table, [MUG])
    return inventory_table


def history(table: str) -> list[int]:
    key = {"pk": {"S": "PRODUCT"}, "sk": {"S": "product-001"}}
    row = DYNAMODB.get_item(TableName=table, Key=key)["Item"]
    return [int(entry["M"]["price_cents"]["N"]) for entry in row["prices"]["L"]]


def test_the_new_price_is_in_force_and_in_the_history(catalogue: str) -> None:
    assert set_price(DYNAMODB, catalogue, "product-001", 950) == 900

    product = StockTable(DYNAMODB, catalogue).product("product-001")
    assert product
    assert product.price.cents == 950
    assert history(catalogue) == [900, 950]


def test_two_changes_at_once_are_both_in_the_history(
    catalogue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = DYNAMODB.get_item
    rivals = iter([1000])

    def read_before_another_changes_it(**request: Any) -> Any:
        row = read(**request)
        for cents in rivals:
            set_price(DYNAMODB, catalogue, "product-001", cents)
        return row

    monkeypatch.setattr(DYNAMODB, "get_item", read_before_another_changes_it)

    assert set_price(DYNAMODB, catalogue, "product-001", 950) == 1000
    assert history(catalogue) == [900, 1000, 950]


def test_an_unknown_product_is_told(catalogue: str) -> None:
    with pytest.raises(UnknownProduct, match="There is no product 'teapot'"):
        set_price(DYNAMODB, catalogue, "teapot", 1)
