"""The card form: what it accepts, what it says of the rest, and that a card stays in the page."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from support.shopper import CARD, PATIENCE_MS, Shopper

MOUSE = "product-002"
VISA, TYPING_ERROR, NO_TEST_CARD = "4242424242424242", "4242424242424241", "4111111111111111"


@pytest.fixture
def at_checkout(shopper: Shopper) -> Shopper:
    """A shopper at the checkout, with everything filled in but the card."""
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    shopper.fills_in()
    for label in CARD:
        shopper.page.get_by_label(label).fill("")
    return shopper


def types(shopper: Shopper, **fields: str) -> None:
    """Types a card that is as told, and otherwise the one that works."""
    for label, text in CARD.items():
        name = label.split()[-1] if label.startswith("Card") else label.split()[0]
        field = shopper.page.get_by_label(label)
        field.fill("")
        field.press_sequentially(fields.get(name.lower(), text))


def test_a_typed_card_pays(at_checkout: Shopper) -> None:
    types(at_checkout)
    at_checkout.places_the_order()
    expect(at_checkout.order_status).to_contain_text("complete", timeout=PATIENCE_MS)


@pytest.mark.full
def test_what_is_typed_is_formatted(at_checkout: Shopper) -> None:
    page = at_checkout.page
    number, expiry = page.get_by_label("Card number"), page.get_by_label("Expiry date")
    # When it is typed, pasted or filled in
    types(at_checkout, expiry="430")
    expect(number).to_have_value("4242 4242 4242 4242")
    expect(expiry).to_have_value("04 / 30")
    number.fill("378282246310005")
    expect(number).to_have_value("3782 822463 10005")
    expiry.fill("1/2031")
    expect(expiry).to_have_value("01 / 31")
    # Then a digit that is put in the middle stays where it was typed
    number.fill("4242 4242")
    number.evaluate("input => input.setSelectionRange(2, 2)")
    number.press("0")
    expect(number).to_have_value("4204 2424 2")
    assert number.evaluate("input => input.selectionStart") == 3
    # And more than a card can have is cut off
    number.fill("4" * 30)
    expect(number).to_have_value("4444 4444 4444 4444 444")


@pytest.mark.full
@pytest.mark.parametrize(
    ("wrong", "label", "message"),
    [
        ({"number": TYPING_ERROR}, "Card number", "has a typing error"),
        ({"number": "4242"}, "Card number", "has a typing error"),
        ({"number": NO_TEST_CARD}, "Card number", "must be one of the test cards"),
        ({"expiry": "0120"}, "Expiry date", "is in the past"),
        ({"expiry": "1330"}, "Expiry date", "must be a month and a year"),
        ({"security": "12"}, "Security code", "must have 3 digits"),
        ({"name": " "}, "Name on the card", "must not be empty"),
    ],
)
def test_a_wrong_field_is_told_before_anything_is_sent(
    at_checkout: Shopper, wrong: dict[str, str], label: str, message: str
) -> None:
    types(at_checkout, **wrong)
    at_checkout.place_order_button.click()
    expect(at_checkout.problem.get_by_role("link")).to_have_count(1)
    expect(at_checkout.problem).to_contain_text(f"{label} {message}")
    field = at_checkout.page.get_by_label(label)
    expect(field).to_have_attribute("aria-invalid", "true")
    assert at_checkout.orders_sent == []


@pytest.mark.full
def test_a_card_is_good_through_its_last_month(at_checkout: Shopper) -> None:
    rule = """async ([expiry, day]) => {
      const { tokenize } = await import("/js/card.js");
      const card = { number: "4242 4242 4242 4242", expiry, code: "123", name: "Ada" };
      return tokenize(card, new Date(day)).errors.length;
    }"""
    at_the_end, after = "2030-02-28T23:59:59", "2030-03-01T00:00:00"
    assert at_checkout.page.evaluate(rule, ["02/30", at_the_end]) == 0
    assert at_checkout.page.evaluate(rule, ["02/30", after]) == 1


def test_each_test_card_is_one_click_and_its_own_token(at_checkout: Shopper) -> None:
    # Given a shop that takes no orders
    at_checkout.is_answered("**/orders", 503, {"title": "The service is busy"})
    cards: list[dict[str, str]] = at_checkout.page.evaluate(
        "import('/js/test_cards.js').then(({ TEST_CARDS }) => TEST_CARDS)"
    )
    # When each card is chosen and sent
    for card in cards:
        at_checkout.chooses_card(card["name"])
        chosen = at_checkout.page.get_by_role("button", name=card["name"])
        expect(chosen).to_have_attribute("aria-pressed", "true")
        with at_checkout.page.expect_request("**/orders"):
            at_checkout.place_order_button.click()
        expect(at_checkout.problem).to_contain_text("couldn’t take your order")
    # Then the shop was sent the tokens
    sent = [order_sent(request.post_data) for request in at_checkout.orders_sent]
    assert [order["payment"] for order in sent] == [{"token": card["token"]} for card in cards]
    assert len(cards) == 6


def order_sent(body: str | None) -> dict[str, Any]:
    assert body is not None
    order: dict[str, Any] = json.loads(body)
    return order


def test_a_card_is_neither_sent_nor_kept(at_checkout: Shopper) -> None:
    # Given
    page = at_checkout.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    types(at_checkout, name="Grace Hopper")
    # When the page is loaded anew before anything is sent
    kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    at_checkout.reloads()
    # Then the address is still there, and the card is not
    expect(page.get_by_label("City")).to_have_value("London")
    for label in CARD:
        expect(page.get_by_label(label)).to_have_value("")
    # And when it is paid with
    types(at_checkout, name="Grace Hopper")
    at_checkout.places_the_order()
    kept += page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    # Then it went nowhere
    for text in (*sent, kept):
        digits = "".join(filter(str.isalnum, text))
        assert VISA not in digits
        assert "Grace" not in text
    assert any("tok_visa" in text for text in sent)


@pytest.mark.full
def test_a_browser_may_fill_it_in(at_checkout: Shopper) -> None:
    purposes = [
        at_checkout.page.get_by_label(label).get_attribute("autocomplete") for label in CARD
    ]
    assert purposes == ["cc-number", "cc-exp", "cc-csc", "cc-name"]
