"""Announces open orders again, whose sagas ended with the engine that ran them.

The tables outlive the engine, its executions don't. An order that was under way is still open, and
its OrderPlaced event is still beside it; published once more, it has the order service start the
order's saga again. Every step knows the order, so that a new saga goes on where the old one ended.
"""

from collections.abc import Iterator

from sagashop_cli.audit import OPEN
from sagashop_cli.aws import Aws
from sagashop_cli.stack import Stack


def announce_open_orders(aws: Aws, stack: Stack) -> int:
    """Publishes OrderPlaced for each open order again; returns how many there are."""
    events = aws.client("events")
    count = 0
    for partition_key in _open_orders(aws, stack.tables["order"]):
        row = _order_placed(aws, stack.tables["order"], partition_key)
        entry = {
            "EventBusName": stack.event_bus_name,
            "Source": row["source"],
            "DetailType": row["detail_type"],
            "Detail": row["detail"],
        }
        events.put_events(Entries=[entry])
        count += 1
    return count


def _open_orders(aws: Aws, table_name: str) -> Iterator[str]:
    """Yields the open orders' partition keys, in the order service's row shape."""
    statuses = {f":{number}": {"S": status} for number, status in enumerate(sorted(OPEN))}
    pages = aws.dynamodb.get_paginator("scan").paginate(
        TableName=table_name,
        FilterExpression=f"sk = :order AND #status IN ({', '.join(statuses)})",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":order": {"S": "ORDER"}, **statuses},
        ProjectionExpression="pk",
    )
    for page in pages:
        for row in page["Items"]:
            yield row["pk"]["S"]


def _order_placed(aws: Aws, table_name: str, partition_key: str) -> dict[str, str]:
    """Returns the outbox row of an order's OrderPlaced event."""
    page = aws.dynamodb.query(
        TableName=table_name,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
        FilterExpression="detail_type = :placed",
        ExpressionAttributeValues={
            ":pk": {"S": partition_key},
            ":event": {"S": "EVENT#"},
            ":placed": {"S": "OrderPlaced"},
        },
    )
    return {name: str(value.get("S", "")) for name, value in page["Items"][0].items()}
