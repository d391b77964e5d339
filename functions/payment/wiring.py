"""Builds what the payment service works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from payment.protected_provider import ProtectedProvider
from payment.provider import PaymentProvider
from payment.repository import PaymentTable
from payment.simulated_provider import NO_EFFECT, SimulatedProvider
from shared import circuit, dynamodb, settings
from shared.circuit import Circuit
from shared.errors import PaymentOutcomeUnknown, PaymentProviderUnavailable
from shared.ledger import Ledger
from shared.storage import own_table


@dataclass(frozen=True)
class Settings:
    """`payment_reply_timeout_seconds` is how long the service waits for the provider's reply."""

    payment_reply_timeout_seconds: float = 1.0


@cache
def repository() -> PaymentTable:
    return PaymentTable(dynamodb.client(), own_table())


@cache
def provider() -> PaymentProvider:
    """Returns the payment provider, behind its circuit: the one place to change for a real one.

    The simulated one keeps its ledger in the payment service's table.
    """
    ledger = Ledger(dynamodb.client(), own_table(), "PROVIDER", "CHARGE", NO_EFFECT)
    timeout = settings.load(Settings).payment_reply_timeout_seconds
    return ProtectedProvider(SimulatedProvider(ledger, timeout), provider_circuit())


@cache
def provider_circuit() -> Circuit:
    failures = (PaymentProviderUnavailable, PaymentOutcomeUnknown)
    limits = settings.load(circuit.Settings)
    return Circuit(dynamodb.client(), own_table(), "payment", failures, limits)
