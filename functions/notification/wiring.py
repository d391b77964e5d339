"""Builds what the notification service works with, once a process and at its first use."""

from dataclasses import dataclass
from functools import cache

from notification.mailer import SesMailer
from notification.repository import NotificationTable
from shared import dynamodb
from shared.settings import load


@dataclass(frozen=True)
class Settings:
    """`table_name` is the notification service's own table.

    `notification_sender` is the address that mail comes from, `operator_email` the address that
    is told of orders that need attention, `storefront_url` where a customer finds the order;
    without it mail has no link to the order.
    """

    table_name: str
    order_queries_function: str
    notification_sender: str
    operator_email: str
    storefront_url: str = ""


@cache
def settings() -> Settings:
    return load(Settings)


@cache
def notifications() -> NotificationTable:
    return NotificationTable(dynamodb.client(), settings().table_name)


@cache
def mailer() -> SesMailer:
    """Returns the mail service; this is the line to change for another one."""
    return SesMailer(settings().notification_sender)
