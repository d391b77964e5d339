"""What the use case needs of the world: a memory of what was sent, addresses, and a post office."""

from typing import Protocol

from notification.domain import Notification
from notification.messages import Message


class Notifications(Protocol):
    """The notifications, one per event. Every method may raise StorageContention."""

    def claim(self, notification: Notification) -> Notification | None:
        """Writes a notification that is about to be sent, unless `domain` says it isn't ours.

        Returns None where the claim is ours, else the notification that stands in its way.
        """
        ...

    def finish(self, notification: Notification) -> None:
        """Writes what became of a claimed notification.

        Raises StorageContention where the claim went to another delivery meanwhile.
        """
        ...


class Customers(Protocol):
    """Whom orders belong to."""

    def find_email(self, order_id: str) -> str | None:
        """Returns the address of the order's customer, None where there is no such order."""
        ...


class Mailer(Protocol):
    """A post office."""

    def send(self, recipient: str, message: Message) -> str:
        """Hands a message in, and returns the id that the post office gave it.

        Raises NotificationUnavailable where the message was certainly not taken. After any other
        exception it may have been.
        """
        ...
