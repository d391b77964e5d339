"""Which orders a restarted store takes up again, and how it says so."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from sagashop_cli.recovery import announce_open_orders

TABLE = "orders"
BUS = "shop"


@dataclass
class FakeBus:
    entries: list[dict[str, str]] = field(default_factory=list)

    def put_events(self, *, Entries: list[dict[str, str]]) -> None:  # noqa: N803 - botocore's name
        self.entries.extend(Entries)


@dataclass(frozen=True)
class FakeAws:
    """The order table on moto, and a bus that remembers."""

    dynamodb: Any
    bus: FakeBus

    def client(self, service: str) -> FakeBus:
        assert service == "events"
        return self.bus

    def given_an_order(self, order_id: str, status: str) -> None:
        """Writes an order's row and its first two events, as the order service does."""
        rows = [
            {"sk": "ORDER", "status": status},
            {"sk": "EVENT#1", "source": "inventory", "detail_type": "StockReserved"},
            {"sk": "EVENT#0", "source": "order", "detail_type": "OrderPlaced", "detail": order_id},
        ]
        for row in rows:
            item = {name: {"S": value} for name, value in row.items()}
            self.dynamodb.put_item(TableName=TABLE, Item=item | {"pk": {"S": f"ORDER#{order_id}"}})


@dataclass(frozen=True)
class FakeStack:
    tables: dict[str, str] = field(default_factory=lambda: {"order": TABLE})
    event_bus_name: str = BUS


@pytest.fixture
def aws() -> Iterator[FakeAws]:
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
        )
        yield FakeAws(dynamodb, FakeBus())


def test_open_orders_are_announced_again(aws: FakeAws) -> None:
    aws.given_an_order("a", "PENDING")
    aws.given_an_order("b", "PAID")

    count = announce_open_orders(aws, FakeStack())  # type: ignore[arg-type]

    assert count == 2
    assert sorted(entry["Detail"] for entry in aws.bus.entries) == ["a", "b"]
    assert {(e["EventBusName"], e["Source"], e["DetailType"]) for e in aws.bus.entries} == {
        (BUS, "order", "OrderPlaced")
    }


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED", "NEEDS_ATTENTION"])
def test_orders_that_have_ended_are_left_alone(aws: FakeAws, status: str) -> None:
    aws.given_an_order("a", status)

    assert announce_open_orders(aws, FakeStack()) == 0  # type: ignore[arg-type]
    assert aws.bus.entries == []
