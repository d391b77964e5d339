"""The notification function's settings, read when it starts."""

from dataclasses import dataclass

from shared import settings


@dataclass(frozen=True)
class Settings:
    """`table_name` is the notification service's own table.

    `notification_sender` is the address that mail comes from, `operator_email` who hears of orders
    that need attention, `storefront_url` where a customer finds the order; without it mail names
    the shop and doesn't link to it.
    """

    table_name: str
    order_queries_function: str
    notification_sender: str
    operator_email: str
    storefront_url: str = ""


SETTINGS = settings.load(Settings)
