"""DynamoDB through the engine, as boto3 users and CloudFormation see it."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError

from support.dynamodb_server import KEYS, STREAM, an_item

UNITS = 200
BUYERS = 32
ATTEMPTS_EACH = 10


def test_cancellation_reasons_are_in_the_order_of_the_items(
    aws: Callable[[str], Any], table: dict[str, Any]
) -> None:
    dynamodb, name = aws("dynamodb"), table["TableName"]
    dynamodb.put_item(TableName=name, Item=an_item("taken"))
    is_new = {"ConditionExpression": "attribute_not_exists(pk)"}

    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refusal:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": name, "Item": an_item("free"), **is_new}},
                {"ConditionCheck": {"TableName": name, "Key": an_item("taken"), **is_new}},
                {"Put": {"TableName": name, "Item": an_item("other")}},
            ]
        )

    codes = [reason["Code"] for reason in refusal.value.response["CancellationReasons"]]
    assert codes == ["None", "ConditionalCheckFailed", "None"]
    assert "Item" not in dynamodb.get_item(TableName=name, Key=an_item("free"))


def test_32_buyers_get_exactly_the_200_units_there_are(
    aws: Callable[[str], Any], table: dict[str, Any]
) -> None:
    # Given a product, and more wishes than units
    dynamodb, name = aws("dynamodb"), table["TableName"]
    dynamodb.put_item(TableName=name, Item=an_item("product", available=UNITS, reserved=0))

    def buy(_: int) -> int:
        return sum(reserve() for _ in range(ATTEMPTS_EACH))

    def reserve() -> bool:
        take = {
            "TableName": name,
            "Key": an_item("product"),
            "UpdateExpression": "SET available = available - :one, reserved = reserved + :one",
            "ConditionExpression": "available >= :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        put = {"TableName": name, "Item": an_item(f"reservation-{uuid.uuid4()}")}
        try:
            dynamodb.transact_write_items(TransactItems=[{"Update": take}, {"Put": put}])
        except dynamodb.exceptions.TransactionCanceledException:
            return False
        return True

    # When all buy at once
    with ThreadPoolExecutor(BUYERS) as buyers:
        sold = sum(buyers.map(buy, range(BUYERS)))

    # Then each unit was sold once, with a reservation for each
    product = dynamodb.get_item(TableName=name, Key=an_item("product"))["Item"]
    assert sold == UNITS
    assert product == an_item("product", available=0, reserved=UNITS)
    assert dynamodb.scan(TableName=name, Select="COUNT")["Count"] == UNITS + 1


def test_a_table_is_made_once(aws: Callable[[str], Any], table: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refusal:
        aws("dynamodb").create_table(TableName=table["TableName"], **KEYS, **STREAM)

    assert refusal.value.response["Error"]["Code"] == "ResourceInUseException"


@pytest.fixture
def left_behind(stack: dict[str, Any]) -> Any:
    """A client of the server itself: the engine knows as little of what it creates as of the
    tables of an earlier engine."""
    port = urlsplit(stack["endpoint_url"]).port
    assert port is not None
    return boto3.client(
        "dynamodb",
        endpoint_url=f"http://127.0.0.1:{port + 1}",
        region_name=stack["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def test_a_table_that_outlived_its_engine_is_taken_over_with_its_items(
    aws: Callable[[str], Any], left_behind: Any
) -> None:
    # Given a table with an item, left by an earlier engine
    name = f"test-{uuid.uuid4().hex[:12]}"
    old = left_behind.create_table(TableName=name, **KEYS, **STREAM)["TableDescription"]
    left_behind.put_item(TableName=name, Item=an_item("order"))

    # When the new engine deploys it
    new = aws("dynamodb").create_table(TableName=name, **KEYS, **STREAM)["TableDescription"]

    # Then it is that table, and from now on one that exists
    assert (new["TableArn"], new["LatestStreamArn"]) == (old["TableArn"], old["LatestStreamArn"])
    assert aws("dynamodb").get_item(TableName=name, Key=an_item("order"))["Item"]
    with pytest.raises(ClientError, match="Table already exists"):
        aws("dynamodb").create_table(TableName=name, **KEYS, **STREAM)
    aws("dynamodb").delete_table(TableName=name)


def test_a_table_of_an_earlier_version_gets_the_index_that_it_lacks(
    aws: Callable[[str], Any], left_behind: Any
) -> None:
    # Given a table without an index, and an item that belongs in it
    name = f"test-{uuid.uuid4().hex[:12]}"
    left_behind.create_table(TableName=name, **KEYS, **STREAM)
    left_behind.put_item(TableName=name, Item=an_item("order") | {"open": {"S": "Y"}})
    left_behind.put_item(TableName=name, Item=an_item("other"))
    index = {
        "IndexName": "open",
        "KeySchema": [{"AttributeName": "open", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [
        *KEYS["AttributeDefinitions"],
        {"AttributeName": "open", "AttributeType": "S"},
    ]

    # When the new engine deploys it with the index
    wanted = KEYS | STREAM | {"AttributeDefinitions": attributes}
    aws("dynamodb").create_table(TableName=name, **wanted, GlobalSecondaryIndexes=[index])

    # Then the index is there, with what belongs in it
    found = aws("dynamodb").query(
        TableName=name,
        IndexName="open",
        KeyConditionExpression="#open = :yes",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues={":yes": {"S": "Y"}},
    )
    assert found["Items"] == [an_item("order") | {"open": {"S": "Y"}}]
    aws("dynamodb").delete_table(TableName=name)


def test_a_table_that_outlived_its_engine_but_is_another_is_not_taken_over(
    aws: Callable[[str], Any], left_behind: Any
) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    left_behind.create_table(TableName=name, **KEYS)

    with pytest.raises(ClientError) as refusal:
        aws("dynamodb").create_table(TableName=name, **KEYS, **STREAM)

    error = refusal.value.response["Error"]
    assert error["Code"] == "ResourceInUseException"
    assert "differs from the one requested in StreamSpecification" in error["Message"]
    left_behind.delete_table(TableName=name)
