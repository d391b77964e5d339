"""The notifications' rows: the one place in this service that speaks DynamoDB.

NOTIFICATION#<event_id>  NOTIFICATION   event_id, event_type, order_id, status, subject, to,
                                        claimed_at, sent_at, message_id, reason
NEWEST#<order_id>        NEWEST         the newest event of the order that came so far: order_id,
                                        newest_sequence, event_type

Rows are never deleted, so that an event that is replayed years later is still recognized. Of an
order that was anonymized, they say no more to whom a message went.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from notification import domain
from notification.domain import Notification, NotificationStatus, Sighting
from shared.clock import from_iso, to_iso
from shared.dynamodb import ConditionFailed, Item, get_row, to_item, typed_failures
from shared.errors import StorageContention

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_NOTIFICATION = "NOTIFICATION"
_NEWEST = "NEWEST"


class NotificationTable:
    """The notifications, one per event, and the newest event of each order.

    Every method may raise StorageContention.
    """

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def note(self, sighting: Sighting) -> Sighting | None:
        """Notes an order's event, unless a newer one has come; returns that one then."""
        row = {
            "pk": f"{_NEWEST}#{sighting.order_id}",
            "sk": _NEWEST,
            "order_id": sighting.order_id,
            "newest_sequence": sighting.sequence,
            "event_type": sighting.event_type,
        }
        try:
            self._put(
                row,
                "attribute_not_exists(pk) OR newest_sequence <= :sequence",
                {":sequence": sighting.sequence},
            )
        except ConditionFailed as refused:
            newer = refused.failed[0]
            assert newer is not None, "only an existing row fails this condition"
            return Sighting(newer["order_id"], newer["newest_sequence"], newer["event_type"])
        return None

    def claim(self, notification: Notification) -> Notification | None:
        """Writes a notification that is about to be sent, if `domain.is_claimable`.

        Returns None where the claim succeeded, else the notification that prevents it.
        """
        try:
            self._put(_to_row(notification), "attribute_not_exists(pk)")
        except ConditionFailed as refused:
            row = refused.failed[0]
            assert row is not None, "only an existing row fails this condition"
            standing = _to_notification(row)
            if not domain.is_claimable(standing, notification.claimed_at):
                return standing
            self._replace(standing, notification)
        return None

    def find(self, event_id: str) -> Notification | None:
        """Returns an event's notification as it is now."""
        key = to_item({"pk": f"{_NOTIFICATION}#{event_id}", "sk": _NOTIFICATION})
        row = get_row(self._dynamodb, self._table, key)
        return None if row is None else _to_notification(row)

    def finish(self, notification: Notification) -> None:
        """Writes what became of a claimed notification.

        Raises StorageContention where the claim went to another delivery meanwhile.
        """
        self._replace(notification, notification)

    def _replace(self, before: Notification, after: Notification) -> None:
        """Writes a row where the claim is still that of `before`."""
        try:
            self._put(
                _to_row(after), "claimed_at = :before", {":before": to_iso(before.claimed_at)}
            )
        except ConditionFailed as refused:
            raise StorageContention("another delivery claimed the notification") from refused

    def _put(
        self, row: Mapping[str, Any], condition: str, values: Mapping[str, Any] | None = None
    ) -> None:
        # DynamoDB refuses an empty map of values.
        parameters: Any = {"ExpressionAttributeValues": to_item(values)} if values else {}
        with typed_failures():
            self._dynamodb.put_item(
                TableName=self._table,
                Item=to_item(row),
                ConditionExpression=condition,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **parameters,
            )


def _to_row(notification: Notification) -> dict[str, Any]:
    sent_at = notification.sent_at
    return {
        **asdict(notification),
        "pk": f"{_NOTIFICATION}#{notification.event_id}",
        "sk": _NOTIFICATION,
        "claimed_at": to_iso(notification.claimed_at),
        "sent_at": to_iso(sent_at) if sent_at else None,
    }


def _to_notification(row: Item) -> Notification:
    return Notification(
        event_id=row["event_id"],
        event_type=row["event_type"],
        order_id=row["order_id"],
        subject=row["subject"],
        claimed_at=from_iso(row["claimed_at"]),
        status=NotificationStatus(row["status"]),
        to=row["to"],
        sent_at=from_iso(row["sent_at"]) if row["sent_at"] else None,
        message_id=row["message_id"],
        # Older rows have none.
        reason=row.get("reason"),
    )
