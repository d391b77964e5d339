"""What a store takes over from version 0.1."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sagashop_local.upgrade import mark_unsettled_orders
from support.template import table_definition

TABLE = "sagashop-order"
NEW = table_definition("OrderTable")
OLD = NEW | {
    "AttributeDefinitions": [
        attribute
        for attribute in NEW["AttributeDefinitions"]
        if attribute["AttributeName"] in ("pk", "sk")
    ]
}
del OLD["GlobalSecondaryIndexes"]


class OrderTable:
    """The order table, on moto."""

    def __init__(self) -> None:
        self.dynamodb: Any = boto3.client("dynamodb", region_name="us-east-1")

    def exists_as(self, definition: dict[str, Any]) -> None:
        self.dynamodb.create_table(TableName=TABLE, **definition)
        statuses = {"a": "PENDING", "b": "PAID", "c": "COMPLETED", "d": "CANCELLED"}
        for order_id, status in (statuses | {"e": "NEEDS_ATTENTION"}).items():
            self._put(order_id, "ORDER", status=status)
            self._put(order_id, "EVENT#1", detail_type="OrderPlaced")

    def marked(self) -> list[str]:
        """The rows that say that they are unsettled."""
        rows = self.dynamodb.scan(TableName=TABLE)["Items"]
        return sorted(row["pk"]["S"] + row["sk"]["S"] for row in rows if "unsettled" in row)

    def _put(self, order_id: str, sort_key: str, **values: str) -> None:
        row = {"pk": f"ORDER#{order_id}", "sk": sort_key, **values}
        self.dynamodb.put_item(
            TableName=TABLE, Item={name: {"S": value} for name, value in row.items()}
        )


@pytest.fixture
def table() -> Iterator[OrderTable]:
    with mock_aws():
        yield OrderTable()


def test_orders_that_have_not_ended_are_marked(table: OrderTable) -> None:
    table.exists_as(OLD)

    assert mark_unsettled_orders(table.dynamodb, TABLE) == 3

    assert table.marked() == ["ORDER#aORDER", "ORDER#bORDER", "ORDER#eORDER"]


def test_a_table_that_has_the_index_is_left_alone(table: OrderTable) -> None:
    table.exists_as(NEW)

    assert mark_unsettled_orders(table.dynamodb, TABLE) == 0

    assert table.marked() == []


def test_a_new_store_has_nothing_to_take_over(table: OrderTable) -> None:
    assert mark_unsettled_orders(table.dynamodb, TABLE) == 0
