"""The books of a simulated partner, the payment provider's or the carrier's, in DynamoDB.

They live in the service's own table, so that the partner remembers across worker processes. Each
idempotency key has one row, which a single conditional write changes: whatever is done under one
key is atomic, however many workers race and wherever one of them is killed.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from shared.dynamodb import ConditionFailed, Item, from_item, get_row, to_item, typed_failures

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Ledger:
    """Rows of plain values by idempotency key, `<partition>#<key>  <sort key>` of a table.

    Every method may raise StorageContention.
    """

    def __init__(
        self, dynamodb: "DynamoDBClient", table_name: str, partition: str, sort_key: str
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._partition = partition
        self._sort_key = sort_key

    def read(self, key: str) -> Item:
        """Returns a row; empty where there is none."""
        return get_row(self._dynamodb, self._table, self._key(key)) or {}

    def write(self, key: str, values: Item, over: Collection[str] = ()) -> Item:
        """Changes a row whose `status` is not set yet, or is one of `over`.

        Returns the row as it then is, changed or not.
        """
        allowed = {f":over{position}": status for position, status in enumerate(over)}
        conditions = ["attribute_not_exists(#status)", *(f"#status = {name}" for name in allowed)]
        names = {f"#{name}": name for name in values}
        try:
            with typed_failures():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=self._key(key),
                    UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in values)}",
                    ConditionExpression=" OR ".join(conditions),
                    ExpressionAttributeNames={"#status": "status", **names},
                    ExpressionAttributeValues=to_item(
                        {f":{name}": value for name, value in values.items()} | allowed
                    ),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as settled:
            row = settled.failed[0]
            assert row is not None, "only a row with a status fails this condition"
            return row
        return from_item(response["Attributes"])

    def _key(self, key: str) -> dict[str, Any]:
        return to_item({"pk": f"{self._partition}#{key}", "sk": self._sort_key})
