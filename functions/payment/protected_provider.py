"""A payment provider behind a circuit breaker."""

from payment.provider import Charge, PaymentProvider
from shared.circuit import Circuit
from shared.money import Money


class ProtectedProvider:
    """A `provider.PaymentProvider` that asks another one, and raises CircuitOpen while it is down.

    CircuitOpen says that the request had no effect.
    """

    def __init__(self, provider: PaymentProvider, circuit: Circuit) -> None:
        self._provider = provider
        self._circuit = circuit

    def charge(self, idempotency_key: str, amount: Money, token: str) -> Charge:
        return self._circuit.call(self._provider.charge, idempotency_key, amount, token)

    def find_charge(self, idempotency_key: str) -> Charge | None:
        return self._circuit.call(self._provider.find_charge, idempotency_key)

    def void(self, idempotency_key: str) -> Charge | None:
        return self._circuit.call(self._provider.void, idempotency_key)

    def refund(self, idempotency_key: str) -> None:
        self._circuit.call(self._provider.refund, idempotency_key)
