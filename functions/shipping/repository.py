"""The shipments' rows: the one place in this service, but for the carrier's book, with DynamoDB.

SHIPMENT#<order_id>  SHIPMENT                  order_id, shipment_id, status, address, carrier,
                                               tracking_number, booked_at, reject_reason, version,
                                               created_at, updated_at, unsettled
SHIPMENT#<order_id>  EVENT#<time>#<event id>   the outbox: see `shared.outbox`

Every write marks a shipment as `unsettled`, which puts it into the index of that name; the sweeper
takes the mark off once the order has ended and the shipment agrees.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import outbox, unsettled
from shared.clock import to_iso
from shared.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    to_item,
    transact_write,
    typed_failures,
)
from shared.errors import StorageContention
from shared.events import DomainEvent
from shipping.domain import Address, Booking, Shipment, ShipmentStatus

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SHIPMENT = "SHIPMENT"


class ShipmentTable:
    """A `ports.ShipmentRepository`."""

    def __init__(self, dynamodb: "DynamoDBClient", table_name: str) -> None:
        self._dynamodb = dynamodb
        self._table = table_name

    def find(self, order_id: str) -> Shipment | None:
        """See `ports.ShipmentRepository.find`."""
        with typed_failures():
            response = self._dynamodb.get_item(
                TableName=self._table, Key=_key(order_id), ConsistentRead=True
            )
        item = response.get("Item")
        return _to_shipment(from_item(item)) if item else None

    def create(self, shipment: Shipment) -> Shipment:
        """See `ports.ShipmentRepository.create`."""
        try:
            with typed_failures():
                self._dynamodb.put_item(
                    TableName=self._table,
                    Item=to_item(_to_row(shipment)),
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as refused:
            existing = refused.failed[0]
            assert existing is not None, "only an existing row fails this condition"
            return _to_shipment(existing)
        return shipment

    def update(self, before: Shipment, after: Shipment, events: Sequence[DomainEvent]) -> None:
        """See `ports.ShipmentRepository.update`."""
        partition = _partition(after.order_id)
        try:
            transact_write(
                self._dynamodb,
                [
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": to_item(_to_row(after)),
                            "ConditionExpression": "version = :before",
                            "ExpressionAttributeValues": to_item({":before": before.version}),
                        }
                    },
                    *(outbox.put(self._table, partition, event) for event in events),
                ],
            )
        except ConditionFailed as refused:
            raise StorageContention("another step changed the shipment") from refused

    def unsettled(self, before: datetime) -> Iterator[Shipment]:
        """See `ports.ShipmentRepository.unsettled`."""
        return map(_to_shipment, unsettled.rows(self._dynamodb, self._table, before))

    def settle(self, shipment: Shipment) -> None:
        """See `ports.ShipmentRepository.settle`."""
        unsettled.settle(self._dynamodb, self._table, _key(shipment.order_id), shipment.version)


def _partition(order_id: str) -> str:
    return f"{_SHIPMENT}#{order_id}"


def _key(order_id: str) -> dict[str, Any]:
    return to_item({"pk": _partition(order_id), "sk": _SHIPMENT})


def _to_row(shipment: Shipment) -> dict[str, Any]:
    booking = shipment.booking
    return {
        "pk": _partition(shipment.order_id),
        "sk": _SHIPMENT,
        "order_id": shipment.order_id,
        "shipment_id": shipment.shipment_id,
        "status": shipment.status.value,
        "address": asdict(shipment.address) if shipment.address else None,
        "carrier": booking.carrier if booking else None,
        "tracking_number": booking.tracking_number if booking else None,
        "booked_at": to_iso(booking.booked_at) if booking else None,
        "reject_reason": shipment.reject_reason,
        "version": shipment.version,
        "created_at": to_iso(shipment.created_at),
        "updated_at": to_iso(shipment.updated_at),
        "unsettled": unsettled.MARK,
    }


def _to_shipment(row: Item) -> Shipment:
    return Shipment(
        order_id=row["order_id"],
        shipment_id=row["shipment_id"],
        status=ShipmentStatus(row["status"]),
        address=Address(**row["address"]) if row["address"] else None,
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        booking=Booking(
            row["carrier"], row["tracking_number"], datetime.fromisoformat(row["booked_at"])
        )
        if row["booked_at"]
        else None,
        reject_reason=row["reject_reason"],
        version=row["version"],
    )
