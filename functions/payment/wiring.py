"""Builds what the payment service works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from payment.domain import Payment
from payment.provider import PaymentProvider
from payment.repository import PaymentTable
from payment.simulated_provider import SimulatedProvider
from shared import chaos, dynamodb
from shared.ledger import LedgerTable
from shared.settings import load
from shared.storage import Repository


@dataclass(frozen=True)
class Settings:
    """`table_name` is the payment service's own table, which also holds the simulated ledger.

    `payment_reply_timeout_seconds` is how long the service waits for the provider's reply.
    """

    table_name: str
    payment_reply_timeout_seconds: float = 1.0


@cache
def settings() -> Settings:
    """Returns the function's settings."""
    return load(Settings)


@cache
def repository() -> Repository[Payment]:
    """Returns the payments."""
    return PaymentTable(dynamodb.client(), settings().table_name)


@cache
def provider() -> PaymentProvider:
    """Returns the payment provider: the one place to change for a real one."""
    return SimulatedProvider(
        LedgerTable(dynamodb.client(), settings().table_name, "PROVIDER", "CHARGE"),
        reply_timeout_seconds=settings().payment_reply_timeout_seconds,
        read_chaos=chaos.read,
    )
