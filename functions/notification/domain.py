"""The rules of a notification: one event, one message, however often the event comes.

    SENDING ──> SENT       the mail service took it
       ├──────> SKIPPED    there is nobody to send it to, or it is out of date: `reason` says
       └──────> FAILED     the mail service did not accept it; the next delivery tries again

A delivery claims the event before it sends anything. A claim that was never finished belongs to a
function that died: another delivery may claim the event when CLAIM has passed. If the function died
just after the mail service had accepted the message, the message is sent twice; no order of the
steps avoids both that and losing one.

Events come late and in any order. A message is out of date when a newer event of the same order
has come before it. A request to pay is out of date when no payment can be given any more, which
the order itself knows best. Only the delivery that holds the claim decides that, and as the last
thing before it sends: so a message that is known to be sent is never marked as skipped. Nothing
here does I/O or uses AWS.
"""

from dataclasses import dataclass
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
    """Another delivery of the same event is sending its message."""


@dataclass(frozen=True, slots=True)
class Notification:
    """The one message for an event; `to` is None where the order has no known customer.

    `reason` is why it was skipped.
    """

    event_id: str
    event_type: str
    order_id: str
    subject: str
    claimed_at: datetime
    status: NotificationStatus = NotificationStatus.SENDING
    to: str | None = None
    sent_at: datetime | None = None
    message_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """An order's event that came; of two of one order, that with the higher `sequence` is newer."""

    order_id: str
    sequence: int
    event_type: str


def is_claimable(standing: Notification, at: datetime) -> bool:
    """Returns whether a delivery at `at` may claim a notification that exists."""
    has_expired = standing.claimed_at <= at - CLAIM
    return standing.status is NotificationStatus.FAILED or (
        standing.status is NotificationStatus.SENDING and has_expired
    )
