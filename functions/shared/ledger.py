"""The books of a simulated partner, the payment provider's or the carrier's, in DynamoDB.

They live in the service's own table, so that the partner remembers across worker processes. Each
idempotency key has one row, which a single conditional write changes: whatever is done under one
key is atomic, however many workers race and wherever one of them is killed.

Beside it, each call has a row of its own, written in one transaction with its effect. They are what
an audit counts: an effect that happened twice is there twice.

    <partition>#<key>  CALL#<time>#<id>   call, outcome, at, and the effect in the partner's terms
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared import clock, ids
from shared.dynamodb import ConditionFailed, Item, get_row, to_item, transact_write, typed_failures

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the partner, its outcome, and its effect in the partner's terms."""

    name: str
    outcome: str
    effect: Item


class Ledger:
    """Rows of plain values by idempotency key, `<partition>#<key>  <sort key>` of a table.

    Every method may raise StorageContention.
    """

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table_name: str,
        partition: str,
        sort_key: str,
        no_effect: Item,
    ) -> None:
        """Makes it; `no_effect` is the effect of a call that changed nothing."""
        self._dynamodb = dynamodb
        self._table = table_name
        self._partition = partition
        self._sort_key = sort_key
        self._no_effect = no_effect

    def read(self, key: str) -> Item:
        """Returns a row; empty where there is none."""
        return get_row(self._dynamodb, self._table, self._key(key)) or {}

    def write(self, key: str, values: Item, call: Call, over: Collection[str] = ()) -> Item:
        """Changes a row whose `status` is not set yet, or is one of `over`, and records the call.

        Returns the row as it then is. Where it did not change, the call is recorded as REPEATED.
        """
        allowed = {f":over{position}": status for position, status in enumerate(over)}
        conditions = ["attribute_not_exists(#status)", *(f"#status = {name}" for name in allowed)]
        names = {f"#{name}": name for name in values}
        change: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self._table,
                "Key": self._key(key),
                "UpdateExpression": f"SET {', '.join(f'#{name} = :{name}' for name in values)}",
                "ConditionExpression": " OR ".join(conditions),
                "ExpressionAttributeNames": {"#status": "status", **names},
                "ExpressionAttributeValues": to_item(
                    {f":{name}": value for name, value in values.items()} | allowed
                ),
            }
        }
        record: TransactWriteItemTypeDef = {
            "Put": {"TableName": self._table, "Item": self._call_row(key, call)}
        }
        try:
            transact_write(self._dynamodb, [change, record])
        except ConditionFailed:
            self.record(key, call.name, "REPEATED")
        return self.read(key)

    def record(self, key: str, name: str, outcome: str) -> None:
        """Records a call that had no effect."""
        row = self._call_row(key, Call(name, outcome, self._no_effect))
        with typed_failures():
            self._dynamodb.put_item(TableName=self._table, Item=row)

    def _call_row(self, key: str, call: Call) -> dict[str, Any]:
        at = clock.now()
        row = {
            "pk": f"{self._partition}#{key}",
            "sk": f"CALL#{clock.to_iso(at)}#{ids.new_id('call', at)}",
            "entity": "partner_call",
            "call": call.name,
            "outcome": call.outcome,
            "at": clock.to_iso(at),
        }
        return to_item({**row, **call.effect})

    def _key(self, key: str) -> dict[str, Any]:
        return to_item({"pk": f"{self._partition}#{key}", "sk": self._sort_key})
