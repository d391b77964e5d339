"""What the mail says, for each event that somebody is told of."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from builders import ORDER_ID
from notification import messages
from notification.messages import Message

EVENTS: dict[str, dict[str, Any]] = {
    "OrderPlaced": {
        "order_id": ORDER_ID,
        "items": [{"sku": "product-001", "quantity": 2}, {"sku": "product-002", "quantity": 1}],
    },
    "PaymentRequested": {
        "order_id": ORDER_ID,
        "total_cents": 129_900,
        "currency": "USD",
        "due_at": "2026-03-01T09:45:00.125Z",
    },
    "OrderCompleted": {
        "order_id": ORDER_ID,
        "total_cents": 129_900,
        "currency": "USD",
        "shipment": {"carrier": "Pigeon Post", "tracking_number": "PP123456789"},
    },
    "OrderCancelled": {
        "order_id": ORDER_ID,
        "reason": {"code": "SHIPMENT_REJECTED", "message": "No carrier delivers there."},
        "refund": {"amount_cents": 129_900, "currency": "USD"},
    },
    "OrderNeedsAttention": {
        "order_id": ORDER_ID,
        "compensation": "RefundPayment",
        "reason": {"code": "INTERNAL_ERROR", "message": "Something went wrong on our side."},
        "error": "RefundUnavailable",
        "owed": {
            "refund_cents": 129_900,
            "currency": "USD",
            "stock_held": [{"sku": "product-001", "quantity": 1}],
            "shipment_booked": True,
        },
    },
}


def message_of(event_type: str, link: str | None = None, **changes: Any) -> Message:
    letter = messages.write(event_type, EVENTS[event_type] | changes)
    assert letter is not None
    return messages.render(letter, event_type, ORDER_ID, link)


class _Words(HTMLParser):
    """Collects an HTML page's text, and complains of tags that nobody closed."""

    _VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def words_of(html: str) -> str:
    page = _Words()
    page.feed(html)
    page.close()
    assert page.open == []
    return " ".join(" ".join(page.words).split())


@pytest.mark.parametrize("event_type", EVENTS)
def test_text_and_html_say_the_same(event_type: str) -> None:
    # When
    message = message_of(event_type)

    # Then
    said = words_of(message.html)
    paragraphs = message.text.removesuffix("\n\n-- \nsagashop\n").split("\n")
    for line in filter(None, paragraphs):
        label, separator, value = line.partition(": ")
        assert line in said or (separator and f"{label} {value}" in said), line


@pytest.mark.parametrize("event_type", EVENTS)
def test_every_message_names_its_order(event_type: str) -> None:
    message = message_of(event_type)

    assert ORDER_ID in message.subject
    assert ORDER_ID in message.text
    assert ORDER_ID in message.html


@pytest.mark.parametrize("event_type", [name for name in EVENTS if name != "OrderNeedsAttention"])
def test_a_customer_is_led_to_the_order_in_the_shop(event_type: str) -> None:
    link = f"http://shop.example/#/orders/{ORDER_ID}?token=a.b.c"
    message = message_of(event_type, link)

    assert link in message.text
    assert f'href="{link}"' in message.html


def test_a_shop_without_an_address_is_not_linked_to() -> None:
    assert "href" not in message_of("OrderPlaced").html


def test_the_first_mail_lists_what_was_ordered() -> None:
    assert "Items: 2 × product-001, 1 × product-002" in message_of("OrderPlaced").text


def test_who_has_to_pay_is_told_how_much_until_when_and_how() -> None:
    text = message_of("PaymentRequested").text

    assert "To pay: 1299.00 USD" in text
    assert "Pay by: 1 March 2026, 09:45 UTC" in text
    assert "open your order in the shop" in text


def test_a_completed_order_can_be_tracked() -> None:
    text = message_of("OrderCompleted").text

    assert "Carrier: Pigeon Post" in text
    assert "Tracking number: PP123456789" in text


def test_an_event_from_before_there_were_shipments_is_read_too() -> None:
    data = {
        name: EVENTS["OrderCompleted"][name] for name in ("order_id", "total_cents", "currency")
    }

    letter = messages.write("OrderCompleted", data)

    assert letter is not None
    assert letter.facts == (("Paid", "1299.00 USD"),)


def test_a_cancelled_order_says_why_and_what_goes_back() -> None:
    text = message_of("OrderCancelled").text

    assert "No carrier delivers there." in text
    assert "Refund: 1299.00 USD" in text


@pytest.mark.parametrize("refund", [None, {"amount_cents": 0, "currency": "XXX"}])
def test_who_was_never_charged_is_promised_no_refund(refund: dict[str, Any] | None) -> None:
    assert "refund" not in message_of("OrderCancelled", refund=refund).text.lower()


def test_the_operator_is_told_what_is_owed_and_how_to_go_on() -> None:
    # When
    letter = messages.write("OrderNeedsAttention", EVENTS["OrderNeedsAttention"])
    message = message_of("OrderNeedsAttention")

    # Then
    assert letter is not None
    assert letter.for_operator
    assert "Stuck at: RefundPayment: RefundUnavailable" in message.text
    assert "Owed to the customer: 1299.00 USD" in message.text
    assert "Units still held: 1 × product-001" in message.text
    assert "Shipment: may be on its way" in message.text
    assert f"sagashop redrive {ORDER_ID} --why" in message.text


@pytest.mark.parametrize(
    ("cents", "words"), [(None, "not known: ask the payment provider"), (0, "nothing")]
)
def test_the_operator_is_told_where_money_is_in_doubt(cents: int | None, words: str) -> None:
    owed = {"refund_cents": cents, "currency": None, "stock_held": []}

    text = message_of("OrderNeedsAttention", owed=owed).text

    assert f"Owed to the customer: {words}" in text
    assert "Units still held: none" in text
    assert "Shipment: none" in text


@pytest.mark.parametrize(
    ("service", "fact"),
    [
        ("payment", "Owed to the customer: not known, since {}; at worst: 1299.00 USD"),
        ("inventory", "Units still held: not known, since {}; at worst: 1 × product-001"),
        ("shipping", "Shipment: not known, since {}; at worst: may be on its way"),
    ],
)
def test_the_operator_is_told_which_service_did_not_say_what_it_holds(
    service: str, fact: str
) -> None:
    owed = EVENTS["OrderNeedsAttention"]["owed"] | {"unanswered": [service]}

    text = message_of("OrderNeedsAttention", owed=owed).text

    assert fact.format(f"the {service} service did not answer") in text
    assert text.count("not known") == 1


def test_an_event_that_concerns_nobody_has_no_message() -> None:
    assert messages.write("OrderRedriven", {"order_id": ORDER_ID}) is None


def test_what_an_event_says_is_no_markup() -> None:
    # Given
    hostile = '<img src="x" onerror="alert(1)"> & \'more\''

    # When
    html = message_of("OrderCancelled", reason={"code": "X", "message": hostile}).html

    # Then
    assert "<img" not in html
    assert hostile in words_of(html)
    assert re.findall(r"<(\w+)", html).count("img") == 0


def test_a_link_cannot_be_broken_out_of() -> None:
    html = message_of("OrderPlaced", 'http://shop.example/"><script>').html

    assert "<script" not in html


def test_a_subject_is_one_line() -> None:
    letter = messages.write("OrderPlaced", EVENTS["OrderPlaced"] | {"order_id": "a\r\nBcc: b@c.de"})
    assert letter is not None

    message = messages.render(letter, "OrderPlaced", "a", None)

    assert message.subject == "We received your order a Bcc: b@c.de"
