"""The port to a carrier, and the rules for an adapter to a real one.

Everything depends on the idempotency key, which is the order's id: the saga may repeat any call
after a crash or a timeout, and may have to call off a booking whose answer it never saw.

Give the key to a real carrier as the shipment's own reference, by which it can be looked up weeks
later. A carrier on which a reference cannot be closed before it was ever used needs its booking in
two steps: a draft, then its confirmation, made only while our own row still expects it; `cancel`
then deletes the draft, and one that nobody confirms is never picked up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shipping.domain import Address, Booking, Item


class BookingCancelled(Exception):
    """The idempotency key was cancelled: nothing can be booked under it any more."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """The carrier's refusal to take the parcel, with a reason that a customer can read."""

    reason: str


class Carrier(Protocol):
    """A carrier. Calls may be concurrent and repeated, also under the same key.

    Every method may raise CarrierUnavailable, whether or not the request was taken: both may simply
    be repeated.
    """

    def book(
        self, idempotency_key: str, address: Address, items: Sequence[Item]
    ) -> Booking | Rejection:
        """Has the parcel fetched and delivered, at most once per key.

        A repeat returns the first call's outcome. Raises BookingCancelled.
        """
        ...

    def cancel(self, idempotency_key: str) -> Booking | None:
        """Makes sure that nothing is delivered under the key from now on; repeatable.

        Returns the booking that is thereby called off (a repeat returns it again), or None where
        there never was one.
        """
        ...
