"""The port to a payment provider, and the rules for an adapter to a real one.

Everything depends on the idempotency key, which is the order's id: the saga may repeat any call
after a crash or a timeout, and may have to undo a charge whose answer it never saw.

For a real provider, give the key to each call in the provider's own way, and also as metadata of
the charge: providers forget idempotency keys after a day or so, and `find_charge` must still find
the charge when an operator redrives an order next week. A provider on which a key cannot be voided
before it was ever used needs its charge in two steps: authorize (in Stripe's terms, a PaymentIntent
with manual capture), then capture only an authorization that our own payment row still expects;
`void` then cancels the authorization, and one that nobody captures lapses by itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.money import Money


class KeyVoided(Exception):
    """The idempotency key was voided: nothing can be charged under it any more."""


class KeyReused(Exception):
    """The idempotency key came with another amount than at first: a bug of the caller's."""


@dataclass(frozen=True, slots=True)
class Capture:
    """Money that the provider took, and whether it has given it back."""

    charge_id: str
    amount: Money
    captured_at: datetime
    refunded: bool = False


@dataclass(frozen=True, slots=True)
class Decline:
    """The provider's refusal to take any money, with a reason that a customer can read."""

    reason: str


type Charge = Capture | Decline
"""The outcome of a charge. It is final, except that captured money may be given back."""


class PaymentProvider(Protocol):
    """A payment provider. Calls may be concurrent and repeated, also under the same key.

    Every method may raise PaymentProviderUnavailable, where the request was not taken and certainly
    had no effect, and PaymentOutcomeUnknown, where it may have had one.
    """

    def charge(self, idempotency_key: str, amount: Money, token: str) -> Charge:
        """Takes the whole amount from the customer's means of payment, at most once per key.

        `token` stands for that means of payment. A repeat returns the first call's outcome. Raises
        KeyVoided, KeyReused.
        """
        ...

    def find_charge(self, idempotency_key: str) -> Charge | None:
        """Returns the outcome of the charge under the key; None where there is none."""
        ...

    def void(self, idempotency_key: str) -> Charge | None:
        """Makes sure that nothing is charged under the key from now on; repeatable.

        Returns None, or the charge that was made before it could be prevented.
        """
        ...

    def refund(self, idempotency_key: str) -> None:
        """Gives the whole captured amount back, at most once per key; a repeat does nothing more.

        Raises RefundUnavailable where it can't be done now, and LookupError where nothing was
        captured under the key.
        """
        ...
