"""When a table that exists is the one that is asked for."""

from typing import Any

import pytest

from localstack_embedded.dynamodb.tables import differences, missing_indexes, with_indexes

INDEX = {
    "IndexName": "by-customer",
    "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["b", "a"]},
}


def a_request(**changes: Any) -> dict[str, Any]:
    """What CreateTable is asked for."""
    return {
        "TableName": "orders",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "customer", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [INDEX],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    } | changes


def a_description(**changes: Any) -> dict[str, Any]:
    """What DescribeTable answers of that table: the same in other words and another order."""
    request = a_request()
    index = INDEX | {
        "IndexStatus": "ACTIVE",
        "ItemCount": 7,
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b"]},
    }
    return {
        "TableName": "orders",
        "TableStatus": "ACTIVE",
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "KeySchema": request["KeySchema"],
        "AttributeDefinitions": list(reversed(request["AttributeDefinitions"])),
        "GlobalSecondaryIndexes": [index],
        "LocalSecondaryIndexes": [],
        "StreamSpecification": request["StreamSpecification"],
    } | changes


def test_the_same_table_does_not_differ() -> None:
    assert differences(a_request(), a_description()) == []


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("KeySchema", [{"AttributeName": "pk", "KeyType": "HASH"}]),
        ("AttributeDefinitions", [{"AttributeName": "pk", "AttributeType": "N"}]),
        ("BillingMode", "PROVISIONED"),
        ("StreamSpecification", {"StreamEnabled": False}),
        ("StreamSpecification", {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}),
        ("GlobalSecondaryIndexes", []),
        ("GlobalSecondaryIndexes", [INDEX | {"Projection": {"ProjectionType": "ALL"}}]),
        ("LocalSecondaryIndexes", [INDEX]),
    ],
)
def test_another_table_differs_by_name(changed: str, value: Any) -> None:
    assert differences(a_request(**{changed: value}), a_description()) == [changed]


def test_no_stream_is_a_stream_that_is_not_enabled() -> None:
    without = a_request()
    del without["StreamSpecification"]

    assert differences(without, a_description(StreamSpecification={"StreamEnabled": False})) == []


def test_a_table_lacks_the_indexes_of_whose_name_it_has_none() -> None:
    other = INDEX | {"IndexName": "by-day"}
    request = a_request(GlobalSecondaryIndexes=[INDEX, other])

    assert missing_indexes(request, a_description()) == [other]
    assert missing_indexes(a_request(), a_description()) == []


def test_with_the_indexes_that_it_lacked_it_is_the_table_that_is_asked_for() -> None:
    # Given a table from before there were indexes
    request = a_request()
    old = a_description(
        AttributeDefinitions=request["AttributeDefinitions"][:2], GlobalSecondaryIndexes=None
    )
    types = {"pk": "S", "sk": "S", "customer": "S"}

    # When it is given them
    table = with_indexes(old, missing_indexes(request, old), types)

    # Then
    assert differences(request, table) == []
    assert differences(a_request(BillingMode="PROVISIONED"), table) == ["BillingMode"]
