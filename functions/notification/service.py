"""Sends the message that an event calls for, once however often the event is delivered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from notification import domain, messages
from notification.customers import Recipient
from notification.domain import AnotherDeliverySends, Notification, NotificationStatus, Sighting
from notification.mailer import SesMailer
from notification.messages import CUSTOMERS_LETTERS, Letter
from notification.repository import NotificationTable
from shared import ids
from shared.errors import NotificationUnavailable
from shared.events import PublishedEvent

_ANONYMIZED = "OrderAnonymized"


class Outcome(StrEnum):
    """What came of handling an event."""

    SENT = "notification sent"
    SKIPPED = "notification skipped"
    DUPLICATE = "notification sent before"
    ERASED = "recipient erased"
    NOT_NEWS = "no notification for this event"


@dataclass(frozen=True, slots=True)
class Handled:
    """The result of handling an event; `reason` says why its message was skipped."""

    outcome: Outcome
    reason: str | None = None


def notify(
    event: PublishedEvent,
    notifications: NotificationTable,
    find_customer: Callable[[str], Recipient | None],
    mailer: SesMailer,
    *,
    operator_email: str,
    storefront_url: str,
    now: Callable[[], datetime],
) -> Handled:
    """Notifies the customer or the operator of an event, unless the message is out of date.

    Raises NotificationUnavailable where nothing was sent and a later delivery may succeed, and
    StorageContention. After any other exception of the mailer the message may have been sent; a
    delivery after domain.CLAIM sends it again.
    """
    # At once, whatever becomes of this delivery: older events of the order are out of date now.
    _newer_than(event, notifications)
    if event.type == _ANONYMIZED:
        return _erase_recipient(event.data["order_id"], notifications, now())
    letter = messages.write(event.type, event.data)
    if letter is None:
        return Handled(Outcome.NOT_NEWS)
    event_id, order_id = event.metadata["event_id"], event.data["order_id"]
    # Before the claim, so that a query that fails leaves no claim.
    recipient = Recipient(operator_email) if letter.for_operator else find_customer(order_id)
    link = _link(recipient, order_id, storefront_url)
    message = messages.render(letter, event.type, order_id, link)
    to = None if recipient is None else recipient.email
    claim = Notification(event_id, event.type, order_id, message.subject, now(), to=to)
    standing = notifications.claim(claim)
    if standing is not None:
        if standing.status is NotificationStatus.SENDING:
            raise AnotherDeliverySends(f"{event_id} is being sent")
        return Handled(Outcome.DUPLICATE)
    if recipient is None:
        return _skip(claim, "the order has no known customer", notifications)
    if reason := _why_out_of_date(event, letter, recipient, notifications, now()):
        return _skip(claim, reason, notifications)
    try:
        message_id = mailer.send(recipient.email, message)
    except NotificationUnavailable:
        notifications.finish(replace(claim, status=NotificationStatus.FAILED))
        raise
    sent = replace(claim, status=NotificationStatus.SENT, message_id=message_id, sent_at=now())
    notifications.finish(sent)
    return Handled(Outcome.SENT)


def _erase_recipient(order_id: str, notifications: NotificationTable, at: datetime) -> Handled:
    """Erases to whom the order's messages went; raises AnotherDeliverySends while one is sent.

    A delivery that claims its message after this was looked for finds the newer event, and skips.
    """
    for event_type in sorted(CUSTOMERS_LETTERS):
        notification = notifications.find(ids.event_id(order_id, event_type))
        if notification is None or notification.to is None:
            continue
        is_under_way = notification.status is NotificationStatus.SENDING
        if is_under_way and not domain.is_claimable(notification, at):
            raise AnotherDeliverySends(f"{notification.event_id} is being sent")
        notifications.finish(replace(notification, to=None))
    return Handled(Outcome.ERASED)


def _link(recipient: Recipient | None, order_id: str, storefront_url: str) -> str | None:
    """Returns where the customer finds the order, where the shop has an address.

    The token is in the fragment, which a browser sends to nobody.
    """
    if recipient is None or recipient.order_token is None or not storefront_url:
        return None
    return f"{storefront_url.rstrip('/')}/#/orders/{order_id}?token={recipient.order_token}"


def _skip(claim: Notification, reason: str, notifications: NotificationTable) -> Handled:
    skipped = replace(claim, status=NotificationStatus.SKIPPED, reason=reason, to=None)
    notifications.finish(skipped)
    return Handled(Outcome.SKIPPED, reason)


def _why_out_of_date(
    event: PublishedEvent,
    letter: Letter,
    recipient: Recipient,
    notifications: NotificationTable,
    at: datetime,
) -> str | None:
    """Returns why an event's letter is not worth sending any more; None where it is.

    A request to pay is judged by the order alone: an order whose saga was started again has newer
    events, and may wait for its payment all the same. An order that was anonymized has nobody left
    to write to.
    """
    newer = _newer_than(event, notifications)
    if letter.asks_for_payment and (newer is None or newer.event_type != _ANONYMIZED):
        due_at = recipient.payment_due_at
        is_payable = due_at is not None and at < due_at
        return None if is_payable else "no payment can be given any more"
    if newer is None:
        return None
    return (
        f"{newer.event_type} (sequence {newer.sequence}) came before this event "
        f"(sequence {event.sequence})"
    )


def _newer_than(event: PublishedEvent, notifications: NotificationTable) -> Sighting | None:
    """Notes the event, and returns a newer one of its order that has come before it.

    An event without a sequence, from before there was one, is neither older nor newer.
    """
    if event.sequence is None:
        return None
    return notifications.note(Sighting(event.data["order_id"], event.sequence, event.type))
