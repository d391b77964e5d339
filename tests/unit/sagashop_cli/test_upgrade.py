"""What a store takes over from version 0.1."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sagashop_cli.upgrade import mark_unsettled_orders
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


class FakeAws:
    """The tables, on moto."""

    def __init__(self) -> None:
        self.dynamodb: Any = boto3.client("dynamodb", region_name="us-east-1")

    def given_a_table(self, definition: dict[str, Any]) -> None:
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
def aws() -> Iterator[FakeAws]:
    with mock_aws():
        yield FakeAws()


def test_orders_that_have_not_ended_are_marked(aws: FakeAws) -> None:
    aws.given_a_table(OLD)

    assert mark_unsettled_orders(aws, TABLE) == 3  # type: ignore[arg-type]

    assert aws.marked() == ["ORDER#aORDER", "ORDER#bORDER", "ORDER#eORDER"]


def test_a_table_that_has_the_index_is_left_alone(aws: FakeAws) -> None:
    aws.given_a_table(NEW)

    assert mark_unsettled_orders(aws, TABLE) == 0  # type: ignore[arg-type]

    assert aws.marked() == []


def test_a_new_store_has_nothing_to_take_over(aws: FakeAws) -> None:
    assert mark_unsettled_orders(aws, TABLE) == 0  # type: ignore[arg-type]
