"""The mail that a local store sent: LocalStack keeps every message instead of delivering it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sagashop_ops.errors import LocalOnly
from sagashop_ops.local import ask_engine
from sagashop_ops.stack import Stack


@dataclass(frozen=True)
class Mail:
    """One message that SES accepted."""

    message_id: str
    sent_at: datetime
    to: tuple[str, ...]
    subject: str
    text: str
    html: str

    def __str__(self) -> str:
        at = self.sent_at.astimezone()
        head = f"{at:%H:%M:%S}  to {', '.join(self.to)}\n          {self.subject}"
        body = "\n".join(f"          {line}".rstrip() for line in self.text.rstrip().splitlines())
        return f"{head}\n\n{body}\n"


def sent_mail(stack: Stack, order_id: str | None = None) -> list[Mail]:
    """Returns the mail since the engine started, oldest first; one order's if it is named.

    Every message names its order in the text. Raises LocalOnly for a stack on AWS.
    """
    if stack.endpoint_url is None:
        raise LocalOnly("the mail that it sent", "SES delivers it and keeps none")
    kept = ask_engine(stack.endpoint_url, "/_aws/ses")
    mail = sorted(map(_mail, kept["messages"]), key=lambda each: each.sent_at)
    return [each for each in mail if order_id is None or order_id in each.text]


def report(mail: Sequence[Mail]) -> str:
    """Returns the messages for a terminal."""
    return "\n".join(map(str, mail)) if mail else "No mail was sent."


def _mail(message: dict[str, Any]) -> Mail:
    """Reads a message as the engine keeps it; raw ones have no subject and no parts."""
    destination = message.get("Destination") or {}
    body = message.get("Body") or {}
    return Mail(
        message_id=message["Id"],
        sent_at=datetime.fromisoformat(message["Timestamp"]).replace(tzinfo=UTC),
        to=tuple(destination.get("ToAddresses") or ()),
        subject=message.get("Subject") or "",
        text=body.get("text_part") or message.get("RawData") or "",
        html=body.get("html_part") or "",
    )
