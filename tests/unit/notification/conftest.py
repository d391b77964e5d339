"""A post office of the tests' own, and an order service that knows every customer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from notification.messages import Message
from notification.repository import NotificationTable
from shared import dynamodb

CUSTOMER = "ada@example.com"


@dataclass
class FakeMailer:
    """Keeps what it is given; fails with the errors it is told to, the first first."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)

    def send(self, recipient: str, message: Message) -> str:
        """Stands in for SES."""
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((recipient, message))
        return f"message-{len(self.sent)}"


@dataclass
class FakeCustomers:
    """Knows one customer, of every order but those that don't exist."""

    unknown: set[str] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)

    def find_email(self, order_id: str) -> str | None:
        """Stands in for the order service's function."""
        if self.failures:
            raise self.failures.pop(0)
        return None if order_id in self.unknown else CUSTOMER


@pytest.fixture
def mailer() -> FakeMailer:
    """A post office that takes everything."""
    return FakeMailer()


@pytest.fixture
def customers() -> FakeCustomers:
    """Who orders belong to."""
    return FakeCustomers()


@pytest.fixture
def notifications(notification_table: str) -> NotificationTable:
    """The repository under test."""
    return NotificationTable(dynamodb.client(), notification_table)


@pytest.fixture
def rows(notification_table: str) -> Callable[[], list[dict[str, Any]]]:
    """Returns a reader of the table's rows."""
    return lambda: [
        dynamodb.from_item(item)
        for item in dynamodb.client().scan(TableName=notification_table)["Items"]
    ]
