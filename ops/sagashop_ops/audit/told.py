"""The rules over what each order's events and mails told: each thing once, and nothing untrue.

A rule returns what `promises` describes.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sagashop_ops.audit.books import OneOrder
from sagashop_ops.audit.promises import Findings

_ENDS = {"COMPLETED": "OrderCompleted", "CANCELLED": "OrderCancelled"}
# An order may have several of these.
_REPEATABLE = frozenset({"OrderRedriven", "OrderNeedsAttention"})


def repeated_events(order: OneOrder) -> Findings:
    """No event is published or logged twice, and no two tell the same change of the order."""
    if not order.events:
        return None
    types = (event.type for event in order.events if event.type not in _REPEATABLE)
    ids = (event.event_id for event in order.events if event.type in _REPEATABLE)
    logged = (event.type for event in order.logged if event.type not in _REPEATABLE)
    changes = (
        event.sequence
        for event in order.events
        if event.service == "order" and event.sequence is not None
    )
    return [
        *(f"{event_type} was published twice" for event_type in _twice(types)),
        *(f"the event {event_id} was published twice" for event_id in _twice(ids)),
        *(f"the timeline has {event_type} twice" for event_type in _twice(logged)),
        *(f"two events tell change {sequence}" for sequence in _twice(changes)),
    ]


def end(order: OneOrder) -> Findings:
    """An ended order's last event says how it ended, and any other order has no such event."""
    if not order.events:
        return None
    told = sorted(event.type for event in order.events if event.type in _ENDS.values())
    true = [_ENDS[order.status]] if order.status in _ENDS else []
    findings = [] if told == true else [f"{order.status}, but its events say {told}"]
    total = order.row.get("total_cents")
    findings += [
        f"OrderCompleted told {event.data['total_cents']} cents, its total is {total}"
        for event in order.told("OrderCompleted")
        if total is not None and int(event.data["total_cents"]) != int(total)
    ]
    return findings


def mails(order: OneOrder) -> Findings:
    """A mail is sent once, for an event that happened, and never when it is out of date.

    All times are the notification service's own: the other clocks don't matter.
    """
    sent = [mail for mail in order.mails if mail["status"] == "SENT"]
    events = {event.event_id: event for event in order.events}
    if sent and not order.has_sequences:
        return None
    findings = [
        *(
            f"the mail for {event_id} was sent twice"
            for event_id in _twice(mail["event_id"] for mail in sent)
        ),
        *(
            f"a mail tells of {mail['event_type']}, which the order's log does not have"
            for mail in sent
            if mail["event_id"] not in events
        ),
        *(
            f"{order.status}, but a mail says {mail['event_type']}"
            for mail in sent
            if mail["event_type"] in _ENDS.values()
            and mail["event_type"] != _ENDS.get(order.status)
        ),
    ]
    known = [(events[mail["event_id"]], mail) for mail in sent if mail["event_id"] in events]
    for event, mail in known:
        began = mail["claimed_at"]
        newer = [
            other_event.type
            for other_event, other in known
            if (event.sequence or 0) < (other_event.sequence or 0) and other["sent_at"] < began
        ]
        if newer:
            findings.append(f"the mail for {event.type} was sent after that for {newer[0]}")
        due_at = event.data.get("due_at")
        if due_at and datetime.fromisoformat(due_at) <= datetime.fromisoformat(began):
            findings.append(f"the mail for {event.type} was sent after the time to pay")
    return findings


def _twice[T](values: Iterable[T]) -> list[T]:
    return [value for value, times in Counter(values).items() if times > 1]
