"""How much one caller may order: how often, and how much of it without paying.

Whoever orders and never pays keeps stock from others until the time to pay is over. So the orders
that wait for a payment are counted, and their units: of each account or, without one, of each
e-mail address, and of each client's address, since a guest can write any e-mail address. Above half
of what a caller may have, an order waits for a shorter time; above all of it, it is refused. An
order that comes with its payment is not counted.

The counts are exact: an order is added to them in the transaction that places it, on condition that
they allow it, and taken from them in the transaction after which it no longer waits.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from order.domain import Line
from order.requests import PlaceOrder
from shared.errors import FieldError, ValidationFailed
from shared.limits import Limit, digest_of


@dataclass(frozen=True, slots=True)
class Cap:
    """The most orders, and units in them, that may wait for a payment at a time."""

    orders: int
    units: int

    @property
    def half(self) -> "Cap":
        """What may wait for the whole time to pay."""
        return Cap(math.ceil(self.orders / 2), math.ceil(self.units / 2))


type Caps = Mapping[str, Cap]
"""The caps of those whom an order counts for, by their digests; none where it does not count."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A caller is an account or an e-mail address, `per_address` counts clients' addresses."""

    orders_per_caller: Limit
    orders_per_address: Limit
    unpaid_per_caller: Cap
    unpaid_per_address: Cap
    payment_wait_seconds: int
    short_payment_wait_seconds: int

    @property
    def breaks_per_address(self) -> Limit:
        """A client may break orders on purpose as often as it may order."""
        return replace(self.orders_per_address, what="break-address")

    def caps_of(self, request: PlaceOrder, client_address: str) -> Caps:
        """Returns whom an order counts for while it is not paid.

        Raises ValidationFailed where it has more units than may ever wait.
        """
        if request.payment_token is not None:
            return {}
        caps = {
            digest_of(request.caller): self.unpaid_per_caller,
            digest_of(client_address): self.unpaid_per_address,
        }
        most = min(cap.units for cap in caps.values())
        if units_of(request.lines) > most:
            expected = f"is required for an order of more than {most} units"
            raise ValidationFailed([FieldError("payment.token", expected)])
        return caps


def halves(caps: Caps) -> Caps:
    """Returns what may wait for the whole time to pay."""
    return {caller: cap.half for caller, cap in caps.items()}


def units_of(lines: tuple[Line, ...]) -> int:
    """Returns how many units an order is of."""
    return sum(line.quantity for line in lines)
