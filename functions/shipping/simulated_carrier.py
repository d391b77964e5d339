"""A carrier for development and tests: real rules, no parcels, any outcome on demand.

It delivers everywhere but to country XX, which nobody has, and does as `shared.chaos` tells it.

Its book lives in the shipping service's table, so that it remembers across worker processes. Each
row changes in single conditional writes, which makes a booking and its cancellation under one key
atomic against each other, however many workers race and wherever one of them is killed.

    CARRIER#<idempotency key>  BOOKING   status (BOOKED, REJECTED or CANCELLED), carrier,
                                         tracking_number, parcel, reject_reason, booked_at,
                                         cancelled_at

What was cancelled before it was booked has no tracking number.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared import clock
from shared.chaos import Chaos, strikes
from shared.dynamodb import ConditionFailed, Item, from_item, to_item, typed_failures
from shared.errors import CarrierUnavailable, StorageContention
from shared.ids import derived_id
from shipping import domain
from shipping.carrier import BookingCancelled, Rejection
from shipping.domain import Address, Booking

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CARRIER = "Saga Parcel"
NOWHERE = "XX"
"""ISO 3166 keeps XX free, so no country will ever have it."""


class SimulatedCarrier:
    """A `carrier.Carrier` whose book is rows of the shipping table."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table_name: str,
        *,
        read_chaos: Callable[[], Chaos],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table_name
        self._read_chaos = read_chaos
        self._sleep = sleep

    def book(
        self, idempotency_key: str, address: Address, items: Sequence[domain.Item]
    ) -> Booking | Rejection:
        """See `Carrier.book`."""
        refused = self._suffer("the booking was not taken")
        reason = "refused by failure injection" if refused else None
        if address.country == NOWHERE:
            reason = f"nobody delivers to {NOWHERE}"
        row = self._settle(idempotency_key, items, reason)
        if row["status"] == "CANCELLED":
            raise BookingCancelled(idempotency_key)
        return Rejection(row["reject_reason"]) if row["status"] == "REJECTED" else _to_booking(row)

    def cancel(self, idempotency_key: str) -> Booking | None:
        """See `Carrier.cancel`."""
        self._suffer("the cancellation was not taken")
        row = self._update(
            idempotency_key,
            "SET #status = :cancelled, cancelled_at = :at",
            "attribute_not_exists(#status) OR #status = :booked",
            {":cancelled": "CANCELLED", ":booked": "BOOKED", ":at": clock.to_iso(clock.now())},
        )
        # What was rejected was never booked, nor what was cancelled before anybody booked it.
        return _to_booking(row) if row.get("booked_at") else None

    def _suffer(self, complaint: str) -> bool:
        """Goes through what `shared.chaos` has in store; returns whether to refuse a booking."""
        chaos = self._read_chaos().shipping
        if chaos.delay_seconds:
            self._sleep(chaos.delay_seconds)
        if strikes(chaos.error_rate):
            raise CarrierUnavailable(f"{complaint}: failure injection")
        return strikes(chaos.failure_rate)

    def _settle(self, key: str, items: Sequence[domain.Item], reject_reason: str | None) -> Item:
        """Books or rejects, unless that is settled already; returns the row as it then is."""
        booked = reject_reason is None
        values = {
            "status": "BOOKED" if booked else "REJECTED",
            "parcel": [asdict(item) for item in items],
            "carrier": CARRIER if booked else None,
            "tracking_number": f"SP{derived_id('trk', key)[-12:]}" if booked else None,
            "reject_reason": reject_reason,
            "booked_at": clock.to_iso(clock.now()) if booked else None,
        }
        assignments = ", ".join(
            f"{'#status' if name == 'status' else name} = :{name}" for name in values
        )
        return self._update(
            key,
            f"SET {assignments}",
            "attribute_not_exists(#status)",
            {f":{name}": value for name, value in values.items()},
        )

    def _update(self, key: str, change: str, condition: str, values: Mapping[str, Any]) -> Item:
        """Changes a row where the condition holds; returns it as it then is, changed or not."""
        try:
            with typed_failures():
                response = self._dynamodb.update_item(
                    TableName=self._table,
                    Key=to_item({"pk": f"CARRIER#{key}", "sk": "BOOKING"}),
                    UpdateExpression=change,
                    ConditionExpression=condition,
                    ExpressionAttributeNames={"#status": "status"},
                    ExpressionAttributeValues=to_item(values),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except StorageContention as busy:
            raise CarrierUnavailable("the carrier's book is busy") from busy
        except ConditionFailed as settled:
            row = settled.failed[0]
            assert row is not None, "only a row with a status fails these conditions"
            return row
        return from_item(response["Attributes"])


def _to_booking(row: Item) -> Booking:
    return Booking(row["carrier"], row["tracking_number"], datetime.fromisoformat(row["booked_at"]))
