"""What the mail says: one function for each event that somebody is notified of.

Each writes a letter; the letter becomes plain text and HTML, which say the same. Whatever comes out
of an event is data: it is escaped in HTML, and kept on one line in a subject.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from shared import clock
from shared.money import Money
from shared.wording import STATUSES

SHOP = "sagashop"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the mail service takes it; `order_id` and `event_type` say what it is about."""

    order_id: str
    event_type: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to the customer, or to the operator, before it is text or HTML.

    `facts` are labels with their values. One that `asks_for_payment` is worth sending only while a
    payment can be given.
    """

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    for_operator: bool = False
    asks_for_payment: bool = False


type Data = Mapping[str, Any]


def write(event_type: str, data: Data) -> Letter | None:
    """Returns the letter that an event's data calls for; None where nobody is notified of it."""
    writer = _WRITERS.get(event_type)
    return None if writer is None else writer(data)


def render(letter: Letter, event_type: str, order_id: str, link: str | None) -> Message:
    """Returns the letter as a message, with a link to the order where there is one."""
    return Message(
        order_id=order_id,
        event_type=event_type,
        subject=" ".join(letter.subject.split()),
        text=_text(letter, order_id, link),
        html=_html(letter, order_id, link),
    )


def _placed(data: Data) -> Letter:
    return Letter(
        subject=f"We received your order {data['order_id']}",
        heading="We received your order",
        paragraphs=(
            "Thank you! We set the items aside and take your payment. We will write to you as soon "
            "as your order is complete.",
        ),
        facts=(("Items", _items(data["items"])),),
    )


def _awaiting_payment(data: Data) -> Letter:
    words, due = STATUSES["AWAITING_PAYMENT"], _instant(data["due_at"])
    return Letter(
        subject=f"Your order {data['order_id']} is waiting for your payment",
        heading=words.headline,
        paragraphs=(
            f"{words.detail} To pay, open your order in the shop, choose a card and confirm.",
            f"Please pay by {due}. After that we put the items back on sale and cancel the order; "
            "you are not charged.",
        ),
        facts=(
            ("To pay", str(Money(data["total_cents"], data["currency"]))),
            ("Pay by", due),
        ),
        asks_for_payment=True,
    )


def _completed(data: Data) -> Letter:
    shipment = data.get("shipment")
    tracking = (
        (("Carrier", shipment["carrier"]), ("Tracking number", shipment["tracking_number"]))
        if shipment
        else ()
    )
    words = STATUSES["COMPLETED"]
    return Letter(
        subject=f"Your order {data['order_id']} is complete",
        heading=words.headline,
        paragraphs=(words.detail,),
        facts=(("Paid", str(Money(data["total_cents"], data["currency"]))), *tracking),
    )


def _cancelled(data: Data) -> Letter:
    refund = data.get("refund")
    refunded = Money(refund["amount_cents"], refund["currency"]) if refund else None
    money = (
        (f"Your refund of {refunded} is on its way; it can take your bank a few days to show it.",)
        if refunded and refunded.cents
        else ()
    )
    return Letter(
        subject=f"Your order {data['order_id']} was cancelled",
        heading=STATUSES["CANCELLED"].headline,
        paragraphs=(data["reason"]["message"], *money),
        facts=(("Refund", str(refunded)),) if money else (),
    )


def _needs_attention(data: Data) -> Letter:
    order_id, owed = data["order_id"], data["owed"]
    return Letter(
        subject=f"Order {order_id} needs attention: {data['compensation']} keeps failing",
        heading="An order needs attention",
        paragraphs=(
            f"The order could not be completed, and undoing it got stuck at {data['compensation']}."
            " The shop tells the customer that a person is looking after the order.",
            "Fix the cause, then redrive the order: its saga resumes at that step. The runbook "
            "explains how to find the cause.",
        ),
        facts=(
            ("Went wrong", data["reason"]["code"]),
            ("Stuck at", f"{data['compensation']}: {data['error']}"),
            ("Owed to the customer", _owed_money(owed)),
            ("Units still held", _owed_units(owed)),
            ("Shipment", _owed_parcel(owed)),
            ("Resume with", f'sagashop redrive {order_id} --why "…"'),
            ("or", f"POST /ops/orders/{order_id}/redrive"),
        ),
        for_operator=True,
    )


_WRITERS: Mapping[str, Callable[[Data], Letter]] = {
    "OrderPlaced": _placed,
    "PaymentRequested": _awaiting_payment,
    "OrderCompleted": _completed,
    "OrderCancelled": _cancelled,
    "OrderNeedsAttention": _needs_attention,
}


CUSTOMERS_LETTERS = _WRITERS.keys() - {"OrderNeedsAttention"}
"""The events whose letters go to the customer; an order has one of each at most."""


def _items(items: Iterable[Data]) -> str:
    return ", ".join(f"{item['quantity']} × {item['sku']}" for item in items)


def _instant(iso: str) -> str:
    """Returns a time for people, `1 March 2026, 09:45 UTC`: their time zone is not known."""
    at: datetime = clock.from_iso(iso)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def _owed_money(owed: Data) -> str:
    cents = owed["refund_cents"]
    if cents is None:
        return "not known: ask the payment provider whether anything was captured"
    amount = str(Money(cents, owed["currency"])) if cents else "nothing"
    return _as_far_as_known("payment", owed, amount)


def _owed_units(owed: Data) -> str:
    return _as_far_as_known("inventory", owed, _items(owed["stock_held"]) or "none")


def _owed_parcel(owed: Data) -> str:
    parcel = "may be on its way" if owed.get("shipment_booked") else "none"
    return _as_far_as_known("shipping", owed, parcel)


def _as_far_as_known(service: str, owed: Data, worst: str) -> str:
    """Returns what a service holds, or the worst that may be, where it did not answer."""
    if service not in owed.get("unanswered", ()):
        return worst
    return f"not known, since the {service} service did not answer; at worst: {worst}"


def _text(letter: Letter, order_id: str, link: str | None) -> str:
    facts = (("Order", order_id), *letter.facts)
    lines = "\n".join(f"{label}: {value}" for label, value in facts)
    parts = [letter.heading, *letter.paragraphs, lines]
    if link:
        parts.append(f"Open your order: {link}")
    return "\n\n".join([*parts, f"-- \n{SHOP}"]) + "\n"


def _html(letter: Letter, order_id: str, link: str | None) -> str:
    paragraphs = "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in letter.paragraphs)
    facts = "\n".join(
        f'<tr><th scope="row" style="{_LABEL}">{escape(label)}</th>'
        f'<td style="{_VALUE}">{escape(value)}</td></tr>'
        for label, value in (("Order", order_id), *letter.facts)
    )
    button = (
        f'<p><a href="{escape(link)}" style="{_BUTTON}">Open your order</a></p>\n' if link else ""
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(letter.subject)}</title>
</head>
<body style="{_PAGE}">
<div style="{_CARD}">
<p style="{_BRAND}">{SHOP}</p>
<h1 style="{_HEADING}">{escape(letter.heading)}</h1>
{paragraphs}
<table style="{_FACTS}">
{facts}
</table>
{button}</div>
</body>
</html>
"""


# The storefront's colours. Inline, since mail programs drop style sheets.
_PAGE = (
    "margin:0;padding:24px;background:#f5f6f2;color:#1b2521;"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif"
)
_CARD = (
    "max-width:34em;margin:0 auto;padding:24px 32px;background:#ffffff;"
    "border:1px solid #dde2da;border-radius:14px"
)
_BRAND = "margin:0;color:#1f6b52;font-weight:700"
_HEADING = "margin:8px 0 16px;font-size:24px;line-height:1.25"
_FACTS = "margin:16px 0;border-collapse:collapse"
_LABEL = "padding:4px 16px 4px 0;color:#54615b;font-weight:400;text-align:left;vertical-align:top"
_VALUE = "padding:4px 0;vertical-align:top"
_BUTTON = (
    "display:inline-block;padding:10px 18px;background:#1f6b52;color:#ffffff;"
    "border-radius:8px;text-decoration:none"
)
