"""A carrier for development and tests: real rules, no parcels, any outcome on demand.

It delivers everywhere but to country XX, which nobody has, and suffers the failures that
`shared.chaos` injects.

Its book's rows, see `shared.ledger`:

    CARRIER#<idempotency key>  BOOKING   status (BOOKED, REJECTED or CANCELLED), carrier,
                                         tracking_number, parcel, reject_reason, booked_at,
                                         cancelled_at

What was cancelled before it was booked has no tracking number.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict

from shared import clock
from shared.chaos import Chaos, strikes
from shared.dynamodb import Item
from shared.errors import CarrierUnavailable, StorageContention
from shared.ids import derived_id
from shared.ledger import Ledger
from shipping import domain
from shipping.carrier import BookingCancelled, Rejection
from shipping.domain import Address, Booking

CARRIER = "Saga Parcel"
NOWHERE = "XX"
"""ISO 3166 keeps XX free, so no country will ever have it."""


class SimulatedCarrier:
    """A `carrier.Carrier` on a ledger."""

    def __init__(
        self,
        book: Ledger,
        *,
        read_chaos: Callable[[], Chaos],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._book = book
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
        booked = reason is None
        booking = {
            "status": "BOOKED" if booked else "REJECTED",
            "parcel": [asdict(item) for item in items],
            "carrier": CARRIER if booked else None,
            "tracking_number": f"SP{derived_id('trk', idempotency_key)[-12:]}" if booked else None,
            "reject_reason": reason,
            "booked_at": clock.to_iso(clock.now()) if booked else None,
        }
        row = self._write(idempotency_key, booking)
        if row["status"] == "CANCELLED":
            raise BookingCancelled(idempotency_key)
        return Rejection(row["reject_reason"]) if row["status"] == "REJECTED" else _to_booking(row)

    def cancel(self, idempotency_key: str) -> Booking | None:
        """See `Carrier.cancel`."""
        self._suffer("the cancellation was not taken")
        cancellation = {"status": "CANCELLED", "cancelled_at": clock.to_iso(clock.now())}
        row = self._write(idempotency_key, cancellation, over=["BOOKED"])
        # What was rejected was never booked, nor what was cancelled before anybody booked it.
        return _to_booking(row) if row.get("booked_at") else None

    def _suffer(self, complaint: str) -> bool:
        """Applies the failures injected into every request; returns whether to refuse a booking."""
        chaos = self._read_chaos().shipping
        if chaos.delay_seconds:
            self._sleep(chaos.delay_seconds)
        if strikes(chaos.error_rate):
            raise CarrierUnavailable(f"{complaint}: failure injection")
        return strikes(chaos.failure_rate)

    def _write(self, key: str, values: Item, over: Collection[str] = ()) -> Item:
        try:
            return self._book.write(key, values, over)
        except StorageContention as busy:
            raise CarrierUnavailable("the carrier's book is busy") from busy


def _to_booking(row: Item) -> Booking:
    return Booking(row["carrier"], row["tracking_number"], clock.from_iso(row["booked_at"]))
