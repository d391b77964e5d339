"""What the use case needs: a record of what was sent, customers' addresses, and a mail service."""

from typing import Protocol

from notification.domain import Notification
from notification.messages import Message


class Notifications(Protocol):
    """The notifications, one per event. Every method may raise StorageContention."""

    def claim(self, notification: Notification) -> Notification | None:
        """Writes a notification that is about to be sent, if `domain.is_claimable`.

        Returns None where the claim succeeded, else the notification that prevents it.
        """
        ...

    def finish(self, notification: Notification) -> None:
        """Writes what became of a claimed notification.

        Raises StorageContention where the claim went to another delivery meanwhile.
        """
        ...


class Customers(Protocol):
    """The customers of orders."""

    def find_email(self, order_id: str) -> str | None:
        """Returns the address of the order's customer, None where there is no such order."""
        ...


class Mailer(Protocol):
    """A mail service."""

    def send(self, recipient: str, message: Message) -> str:
        """Sends a message, and returns the id that the mail service gave it.

        Raises NotificationUnavailable where the message was certainly not accepted. After any other
        exception it may have been.
        """
        ...
