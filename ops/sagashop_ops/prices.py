"""Changes a product's price, and keeps the history that the audit needs.

A product's row has `prices`, `[{"since": ISO time, "price_cents"}]`, oldest first. The functions
read only `price_cents`.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sagashop_ops.errors import UnknownProduct

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef


def first_price(cents: int) -> "AttributeValueTypeDef":
    """Returns the `prices` of a product that costs so many cents from now on."""
    since = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"L": [{"M": {"since": {"S": since}, "price_cents": {"N": str(cents)}}}]}


def set_price(dynamodb: "DynamoDBClient", table_name: str, sku: str, cents: int) -> int:
    """Sets a product's price and notes it in its history; returns the price before.

    A price that is in force already is noted only where there is no history yet. Raises
    UnknownProduct.
    """
    key: dict[str, AttributeValueTypeDef] = {"pk": {"S": "PRODUCT"}, "sk": {"S": sku}}
    while True:
        row = dynamodb.get_item(TableName=table_name, Key=key, ConsistentRead=True).get("Item")
        if row is None:
            raise UnknownProduct(sku)
        before = int(row["price_cents"]["N"])
        if before == cents and "prices" in row:
            return before
        try:
            dynamodb.update_item(
                TableName=table_name,
                Key=key,
                UpdateExpression="SET price_cents = :cents, "
                "prices = list_append(if_not_exists(prices, :none), :now)",
                ConditionExpression="price_cents = :before",
                ExpressionAttributeValues={
                    ":cents": {"N": str(cents)},
                    ":before": row["price_cents"],
                    ":none": {"L": []},
                    ":now": first_price(cents),
                },
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            continue  # Somebody else changed it meanwhile.
        return before
