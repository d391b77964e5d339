"""Sends the message that an event calls for, once however often the event is delivered."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from notification import messages
from notification.domain import AnotherDeliverySends, Notification, NotificationStatus
from notification.mailer import SesMailer
from notification.repository import NotificationTable
from shared.errors import NotificationUnavailable
from shared.events import PublishedEvent


class Outcome(StrEnum):
    """The result of handling an event."""

    SENT = "notification sent"
    DUPLICATE = "notification sent before"
    NOBODY = "nobody to notify"
    NOT_NEWS = "no notification for this event"


def notify(
    event: PublishedEvent,
    notifications: NotificationTable,
    find_email: Callable[[str], str | None],
    mailer: SesMailer,
    *,
    operator_email: str,
    storefront_url: str,
    now: Callable[[], datetime],
) -> Outcome:
    """Notifies the customer or the operator of an event.

    Raises NotificationUnavailable where nothing was sent and a later delivery may succeed, and
    StorageContention. After any other exception of the mailer the message may have been sent; a
    delivery after domain.CLAIM sends it again.
    """
    letter = messages.write(event.type, event.data)
    if letter is None:
        return Outcome.NOT_NEWS
    event_id, order_id = event.metadata["event_id"], event.data["order_id"]
    # Before the claim, so that a query that fails leaves no claim.
    recipient = operator_email if letter.for_operator else find_email(order_id)
    message = messages.render(letter, event.type, order_id, storefront_url)
    claim = Notification(event_id, event.type, order_id, message.subject, now(), to=recipient)
    standing = notifications.claim(claim)
    if standing is not None:
        if standing.status is NotificationStatus.SENDING:
            raise AnotherDeliverySends(f"{event_id} is being sent")
        return Outcome.DUPLICATE
    if recipient is None:
        notifications.finish(replace(claim, status=NotificationStatus.SKIPPED))
        return Outcome.NOBODY
    try:
        message_id = mailer.send(recipient, message)
    except NotificationUnavailable:
        notifications.finish(replace(claim, status=NotificationStatus.FAILED))
        raise
    sent = replace(claim, status=NotificationStatus.SENT, message_id=message_id, sent_at=now())
    notifications.finish(sent)
    return Outcome.SENT
