"""A post office of the tests' own, an order service, and a table in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from notification import domain
from notification.customers import Recipient
from notification.domain import Notification, Sighting
from notification.messages import Message
from shared.errors import StorageContention

CUSTOMER = "ada@example.com"
ALWAYS = datetime.max.replace(tzinfo=UTC)


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
    """Knows one customer, of every order but those that don't exist, who may pay until then."""

    unknown: set[str] = field(default_factory=set)
    failures: list[Exception] = field(default_factory=list)
    payment_due_at: datetime | None = ALWAYS

    def find_customer(self, order_id: str) -> Recipient | None:
        """Stands in for the order service's function."""
        if self.failures:
            raise self.failures.pop(0)
        if order_id in self.unknown:
            return None
        return Recipient(CUSTOMER, self.payment_due_at, f"token-of-{order_id}")


@dataclass
class FakeNotifications:
    """A `NotificationTable`; test_notification_repository.py holds it to the real one's rules."""

    standing: dict[str, Notification] = field(default_factory=dict)
    newest: dict[str, Sighting] = field(default_factory=dict)

    def note(self, sighting: Sighting) -> Sighting | None:
        """See `NotificationTable.note`."""
        newest = self.newest.get(sighting.order_id, sighting)
        if newest.sequence > sighting.sequence:
            return newest
        self.newest[sighting.order_id] = sighting
        return None

    def claim(self, notification: Notification) -> Notification | None:
        """See `NotificationTable.claim`."""
        standing = self.standing.get(notification.event_id)
        if standing and not domain.is_claimable(standing, notification.claimed_at):
            return standing
        self.standing[notification.event_id] = notification
        return None

    def find(self, event_id: str) -> Notification | None:
        """See `NotificationTable.find`."""
        return self.standing.get(event_id)

    def finish(self, notification: Notification) -> None:
        """See `NotificationTable.finish`."""
        if self.standing[notification.event_id].claimed_at != notification.claimed_at:
            raise StorageContention("another delivery claimed the notification")
        self.standing[notification.event_id] = notification
