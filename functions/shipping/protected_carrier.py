"""A carrier behind a circuit breaker."""

from collections.abc import Sequence

from shared.circuit import Circuit
from shipping.carrier import Carrier, Rejection
from shipping.domain import Address, Booking, Item


class ProtectedCarrier:
    """A `carrier.Carrier` that asks another one, and raises CircuitOpen while it is down."""

    def __init__(self, carrier: Carrier, circuit: Circuit) -> None:
        self._carrier = carrier
        self._circuit = circuit

    def book(
        self, idempotency_key: str, address: Address, items: Sequence[Item]
    ) -> Booking | Rejection:
        return self._circuit.call(self._carrier.book, idempotency_key, address, items)

    def cancel(self, idempotency_key: str) -> Booking | None:
        return self._circuit.call(self._carrier.cancel, idempotency_key)
