"""The connections' rows: the one place in this service that speaks DynamoDB.

    CONNECTION#<connection_id>  CONNECTION                connection_id, orders, expires_at, and
                                                          whom it speaks for: account_id and role,
                                                          or token_of, an order whose token it has
    ORDER#<order_id>            WATCHER#<connection_id>   connection_id, expires_at

So the clients that watch an order are one partition, which is read consistently: whoever
subscribed before an order changed is told of the change. A watcher is added with the connection's
own row, and cannot outlive it. The sparse index `owned` finds an account's connections. DynamoDB
deletes what `expires_at` says (TTL), in case API Gateway did not tell that a client has left.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from realtime.domain import Connection
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    get_row,
    query_rows,
    to_item,
    transact_write,
    typed_failures,
)
from shared.errors import Unauthorized
from shared.subjects import AccountSubject, OrderSubject

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_CONNECTION = "CONNECTION"


class ConnectionTable:
    """The connections, and who watches what. Every method may raise StorageContention."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def add(self, connection: Connection) -> None:
        """Stores a connection that has just begun."""
        item = _connection_key(connection.connection_id) | to_item(_to_row(connection))
        with typed_failures():
            self._dynamodb.put_item(TableName=self._table, Item=item)

    def get(self, connection_id: str) -> Connection:
        """Returns a connection; raises Unauthorized where it has ended."""
        row = get_row(self._dynamodb, self._table, _connection_key(connection_id))
        if row is None:
            raise _ended()
        return _to_connection(row)

    def watch(self, connection: Connection, order_id: str) -> None:
        """Makes a connection watch an order; raises Unauthorized where it has ended."""
        if order_id in connection.orders:
            return
        watcher = {
            "connection_id": connection.connection_id,
            "expires_at": int(connection.expires_at.timestamp()),
        }
        try:
            transact_write(
                self._dynamodb,
                [
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": _connection_key(connection.connection_id),
                            "UpdateExpression": "SET orders = list_append(orders, :order)",
                            "ConditionExpression": "attribute_exists(pk)",
                            "ExpressionAttributeValues": to_item({":order": [order_id]}),
                        }
                    },
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": _watcher_key(order_id, connection.connection_id)
                            | to_item(watcher),
                        }
                    },
                ],
            )
        except ConditionFailed as refused:
            raise _ended() from refused

    def watchers(self, order_id: str) -> list[str]:
        """Returns the ids of the connections that watch an order as of now."""
        values = {":pk": f"ORDER#{order_id}"}
        rows = query_rows(self._dynamodb, self._table, "pk = :pk", values, ConsistentRead=True)
        return [row["connection_id"] for row in rows]

    def of_account(self, account_id: str) -> list[str]:
        """Returns the ids of an account's connections; the latest may be missing."""
        rows = query_rows(
            self._dynamodb,
            self._table,
            "account_id = :account_id",
            {":account_id": account_id},
            IndexName="owned",
        )
        return [row["pk"].removeprefix(f"{_CONNECTION}#") for row in rows]

    def remove(self, connection_id: str, *watched: str) -> None:
        """Removes a connection, and makes it watch nothing; `watched` are orders that it does.

        They are known from its row. Where that has gone, of itself or half way through this, what
        is left is removed by whoever finds it.
        """
        with typed_failures():
            deleted = self._dynamodb.delete_item(
                TableName=self._table, Key=_connection_key(connection_id), ReturnValues="ALL_OLD"
            )
        known: list[str] = from_item(deleted.get("Attributes", {})).get("orders", [])
        for order_id in {*known, *watched}:
            with typed_failures():
                self._dynamodb.delete_item(
                    TableName=self._table, Key=_watcher_key(order_id, connection_id)
                )


def _connection_key(connection_id: str) -> dict[str, Any]:
    return to_item({"pk": f"{_CONNECTION}#{connection_id}", "sk": _CONNECTION})


def _watcher_key(order_id: str, connection_id: str) -> dict[str, Any]:
    return to_item({"pk": f"ORDER#{order_id}", "sk": f"WATCHER#{connection_id}"})


def _ended() -> Unauthorized:
    return Unauthorized("The connection has ended. Connect again.")


def _to_row(connection: Connection) -> dict[str, Any]:
    match connection.subject:
        case AccountSubject(account_id, role):
            subject = {"account_id": account_id, "role": role}
        case OrderSubject(order_id):
            subject = {"token_of": order_id}
    return {
        **subject,
        "connection_id": connection.connection_id,
        "orders": list(connection.orders),
        "expires_at": int(connection.expires_at.timestamp()),
    }


def _to_connection(row: Item) -> Connection:
    subject = (
        AccountSubject(row["account_id"], row["role"])
        if "account_id" in row
        else OrderSubject(row["token_of"])
    )
    expires_at = datetime.fromtimestamp(row["expires_at"], UTC)
    return Connection(row["connection_id"], subject, expires_at, tuple(row["orders"]))
