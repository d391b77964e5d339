"""Reading what LocalStack's SES keeps."""

from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from builders import ORDER_ID
from sagashop_ops.mail import report, sent_mail
from support.operators import a_stack

OTHER_ORDER_ID = ORDER_ID[:-1] + "2"
STACK = a_stack()


def a_message(message_id: str, order_id: str, at: str) -> dict[str, Any]:
    """A message as the engine keeps it."""
    return {
        "Id": message_id,
        "Region": "us-east-1",
        "Destination": {"ToAddresses": ["ada@example.com"]},
        "Source": "sagashop <orders@example.com>",
        "Subject": f"We received your order {order_id}",
        "Body": {"text_part": f"Order: {order_id}\n", "html_part": "<p>Order</p>"},
        "Timestamp": at,
    }


class Kept:
    """The engine's answer."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = list(messages)

    def raise_for_status(self) -> None:
        """The engine is well."""

    def json(self) -> dict[str, Any]:
        """Returns the body."""
        return {"messages": self._messages}


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(self: requests.Session, url: str, **_: Any) -> Kept:
        assert url == "http://127.0.0.1:4566/_aws/ses"
        return Kept(
            a_message("m2", OTHER_ORDER_ID, "2026-03-01T09:30:02"),
            a_message("m1", ORDER_ID, "2026-03-01T09:30:01"),
            {
                "Id": "m3",
                "Source": "somebody",
                "RawData": "raw",
                "Timestamp": "2026-03-01T09:31:00",
            },
        )

    monkeypatch.setattr(requests.Session, "get", get)


def test_all_mail_is_read_in_the_order_of_time() -> None:
    mail = sent_mail(STACK)

    assert [each.message_id for each in mail] == ["m1", "m2", "m3"]
    first = mail[0]
    assert first.to == ("ada@example.com",)
    assert first.sent_at == datetime(2026, 3, 1, 9, 30, 1, tzinfo=UTC)
    assert first.subject == f"We received your order {ORDER_ID}"
    assert first.text == f"Order: {ORDER_ID}\n"


def test_one_orders_mail_can_be_asked_for() -> None:
    assert [each.message_id for each in sent_mail(STACK, OTHER_ORDER_ID)] == ["m2"]


def test_a_message_reads_as_its_recipient_sees_it() -> None:
    shown = report(sent_mail(STACK, ORDER_ID))

    assert "to ada@example.com" in shown
    assert f"Order: {ORDER_ID}" in shown


def test_where_nothing_was_sent_it_says_so() -> None:
    assert report(sent_mail(STACK, "ord_none")) == "No mail was sent."
