"""Migrates the rows of an earlier version.

Version 0.1 found open orders by reading the whole table. Now an index holds them, by an attribute
that orders of that time lack. The engine adds the index when it meets such a table.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "unsettled"


def mark_unsettled_orders(dynamodb: "DynamoDBClient", table_name: str) -> int:
    """Marks the orders that have not ended in a table without the index; returns how many.

    Nothing is done where there is no such table, or where it has the index already.
    """
    try:
        table = dynamodb.describe_table(TableName=table_name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return 0
    if any(index["IndexName"] == INDEX for index in table.get("GlobalSecondaryIndexes", [])):
        return 0
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table_name,
        FilterExpression="sk = :order AND NOT #status IN (:completed, :cancelled)",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={
            ":order": {"S": "ORDER"},
            ":completed": {"S": "COMPLETED"},
            ":cancelled": {"S": "CANCELLED"},
        },
        ProjectionExpression="pk, sk",
    )
    keys = [key for page in pages for key in page["Items"]]
    for key in keys:
        dynamodb.update_item(
            TableName=table_name,
            Key=key,
            UpdateExpression=f"SET {INDEX} = :yes",
            ExpressionAttributeValues={":yes": {"S": "Y"}},
        )
    return len(keys)
