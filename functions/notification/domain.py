"""The rules of a notification: one event, one message, however often the event comes.

    SENDING ──> SENT       the mail service took it
       ├──────> SKIPPED    there is nobody to send it to
       └──────> FAILED     the mail service did not take it; the next delivery tries again

A delivery claims the event before it sends anything. A claim that was never finished belongs to a
function that died: it is taken over when CLAIM_SECONDS have passed. Where the function died just
after the mail service had taken the message, that sends it a second time; no order of the steps
avoids both that and losing one. Nothing here does I/O or knows of AWS.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.errors import NotificationUnavailable

CLAIM = timedelta(seconds=30)
"""How long a claim holds: longer than the function may run, shorter than the queue waits."""


class NotificationStatus(StrEnum):
    """Where a notification stands; SENT and SKIPPED are final."""

    SENDING = "SENDING"
    SENT = "SENT"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


class AnotherDeliverySends(NotificationUnavailable):
    """Another delivery of the same event is sending its message just now."""


@dataclass(frozen=True, slots=True)
class Notification:
    """The one message that an event calls for; `to` is None where there is nobody to tell."""

    event_id: str
    event_type: str
    order_id: str
    subject: str
    claimed_at: datetime
    status: NotificationStatus = NotificationStatus.SENDING
    to: str | None = None
    sent_at: datetime | None = None
    message_id: str | None = None


def is_claimable(standing: Notification, at: datetime) -> bool:
    """Whether a delivery at `at` may send the message of a notification that stands."""
    match standing.status:
        case NotificationStatus.SENT | NotificationStatus.SKIPPED:
            return False
        case NotificationStatus.FAILED:
            return True
        case NotificationStatus.SENDING:
            return standing.claimed_at <= at - CLAIM


def sent(notification: Notification, message_id: str, at: datetime) -> Notification:
    """Returns the notification taken by the mail service."""
    return replace(notification, status=NotificationStatus.SENT, message_id=message_id, sent_at=at)


def skipped(notification: Notification) -> Notification:
    """Returns the notification without anybody to send it to."""
    return replace(notification, status=NotificationStatus.SKIPPED)


def failed(notification: Notification) -> Notification:
    """Returns the notification refused by the mail service."""
    return replace(notification, status=NotificationStatus.FAILED)
