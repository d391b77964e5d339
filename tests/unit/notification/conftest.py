"""The notification service in memory: its table, its post office, and who orders belong to."""

import pytest

from notification import wiring
from unit.notification.fakes import FakeCustomers, FakeMailer, FakeNotifications


@pytest.fixture
def mailer(monkeypatch: pytest.MonkeyPatch) -> FakeMailer:
    """A post office that takes everything."""
    fake = FakeMailer()
    monkeypatch.setattr(wiring, "mailer", lambda: fake)
    return fake


@pytest.fixture
def customers(monkeypatch: pytest.MonkeyPatch) -> FakeCustomers:
    """Who orders belong to."""
    fake = FakeCustomers()
    monkeypatch.setattr(
        "notification.customers.find_customer", lambda _, order_id: fake.find_customer(order_id)
    )
    return fake


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch) -> FakeNotifications:
    """The notifications' table, empty."""
    fake = FakeNotifications()
    monkeypatch.setattr(wiring, "notifications", lambda: fake)
    return fake
