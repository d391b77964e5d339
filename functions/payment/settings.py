"""The payment functions' settings, read when a function starts."""

from dataclasses import dataclass

from shared import settings


@dataclass(frozen=True)
class Settings:
    """`table_name` is the payment service's own table, which also holds the simulated ledger.

    `payment_reply_timeout_seconds` is how long a reply of the provider's is waited for.
    """

    table_name: str
    payment_reply_timeout_seconds: float = 1.0


SETTINGS = settings.load(Settings)
