"""A carrier for development and tests: real rules, no parcels, any outcome on demand.

It delivers everywhere but to country XX, which nobody has, and suffers the failures that
`shared.chaos` injects.

Its book's rows, see `shared.ledger`:

    CARRIER#<idempotency key>  BOOKING   status (BOOKED, REJECTED or CANCELLED), carrier,
                                         tracking_number, parcel, reject_reason, booked_at,
                                         cancelled_at

    CARRIER#<idempotency key>  CALL#…    call (book or cancel), outcome (BOOKED, REJECTED,
                                         CANCELLED, REPEATED or UNAVAILABLE), parcel (booked by
                                         it, else empty), at

What was cancelled before it was booked has no tracking number.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict

from shared import chaos, clock
from shared.chaos import Failures
from shared.dynamodb import Item
from shared.errors import CarrierUnavailable, StorageContention
from shared.ids import derived_id
from shared.ledger import Call, Ledger
from shipping import domain
from shipping.carrier import BookingCancelled, Rejection
from shipping.domain import Address, Booking

CARRIER = "Saga Parcel"
NOWHERE = "XX"
"""ISO 3166 keeps XX free, so no country will ever have it."""


NO_EFFECT: Item = {"parcel": []}
"""What the ledger records of a call that booked nothing."""


class SimulatedCarrier:
    """A `carrier.Carrier` on a ledger."""

    def __init__(self, book: Ledger) -> None:
        self._book = book

    def book(
        self, idempotency_key: str, address: Address, items: Sequence[domain.Item]
    ) -> Booking | Rejection:
        failures = self._disturb(idempotency_key, "book", "the booking was not taken")
        refused = chaos.strikes(failures.failure_rate)
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
        effect = {"parcel": booking["parcel"] if booked else []}
        call = Call("book", str(booking["status"]), effect)
        row = self._write(idempotency_key, booking, call)
        if row["status"] == "CANCELLED":
            raise BookingCancelled(idempotency_key)
        return Rejection(row["reject_reason"]) if row["status"] == "REJECTED" else _to_booking(row)

    def cancel(self, idempotency_key: str) -> Booking | None:
        self._disturb(idempotency_key, "cancel", "the cancellation was not taken")
        cancellation = {"status": "CANCELLED", "cancelled_at": clock.to_iso(clock.now())}
        call = Call("cancel", "CANCELLED", NO_EFFECT)
        row = self._write(idempotency_key, cancellation, call, over=["BOOKED"])
        # What was rejected was never booked, nor what was cancelled before anybody booked it.
        return _to_booking(row) if row.get("booked_at") else None

    def _disturb(self, key: str, call: str, complaint: str) -> Failures:
        """Applies the failures injected into every request; returns those of bookings."""
        failures = chaos.read().shipping
        try:
            failures.disturb(CarrierUnavailable(f"{complaint}: failure injection"))
        except CarrierUnavailable:
            # The failure is what counts, recorded or not.
            with suppress(StorageContention):
                self._book.record(key, call, "UNAVAILABLE")
            raise
        return failures

    def _write(self, key: str, values: Item, call: Call, over: Collection[str] = ()) -> Item:
        try:
            return self._book.write(key, values, call, over)
        except StorageContention as busy:
            raise CarrierUnavailable("the carrier's book is busy") from busy


def _to_booking(row: Item) -> Booking:
    return Booking(row["carrier"], row["tracking_number"], clock.from_iso(row["booked_at"]))
