"""The shop works for those who don't see it, don't use a mouse, or hold it in one hand."""

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from support.accessibility import is_accessible
from support.shopper import ADDRESS, CARD, COUNTRY, PATIENCE_MS, Shopper

MOUSE = "product-002"
DESKTOP, PHONE, SMALLEST_PHONE = (1280, 900), (360, 740), (320, 640)
# Beside the pages that the router knows.
OTHER_PAGES = ("#/nowhere", "no/such/file.html")
NO_PAGE = "There is no page here"


def every_page(shopper: Shopper, order_id: str) -> Iterator[str]:
    """Opens every page of the shop, one after the other; yields the address of each.

    The router says which there are; a parameter that has no example here fails.
    """
    examples = {"sku": MOUSE, "order_id": order_id, "to": "checkout"}
    routes = "import('/js/routes.js').then(({ ROUTES }) => ROUTES.map(({ path }) => path))"
    shopper.opens()
    paths: list[str] = shopper.page.evaluate(routes)
    for path in paths:
        address = f"#{path.format(**examples)}"
        shopper.opens(address)
        expect(shopper.heading).not_to_have_text(NO_PAGE)
        yield address
    for address in OTHER_PAGES:
        shopper.opens(address)
        expect(shopper.heading).to_have_text(NO_PAGE)
        yield address


@pytest.mark.parametrize(
    "is_signed_in",
    [pytest.param(False, marks=pytest.mark.full, id="guest"), pytest.param(True, id="account")],
)
def test_axe_finds_nothing_wrong_on_any_page(
    new_shopper: Callable[..., Shopper], is_signed_in: bool
) -> None:
    # Colours that fade in are measured half way otherwise.
    shopper = new_shopper(reduced_motion="reduce")
    if is_signed_in:
        shopper.registers()
    order_id = shopper.buys(MOUSE)
    shopper.puts_in_basket(MOUSE)
    for address in every_page(shopper, order_id):
        for scheme in ("light", "dark"):
            shopper.page.emulate_media(color_scheme=scheme)
            for width, height in (DESKTOP, PHONE):
                shopper.page.set_viewport_size({"width": width, "height": height})
                is_accessible(shopper.page, f"{address}, {scheme}, {width} pixels wide")


@pytest.mark.full
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("page", "button"),
    [
        ("#/checkout", "Place the order"),
        ("#/sign-in", "Sign in"),
        ("#/register", "Open the account"),
    ],
)
def test_axe_finds_nothing_wrong_in_a_refused_form(
    new_shopper: Callable[..., Shopper], color_scheme: str, page: str, button: str
) -> None:
    shopper = new_shopper(color_scheme=color_scheme, reduced_motion="reduce")
    shopper.puts_in_basket(MOUSE)
    shopper.opens(page)
    shopper.page.get_by_role("button", name=button).click()
    expect(shopper.problem).to_be_visible(timeout=PATIENCE_MS)
    is_accessible(shopper.page)


@pytest.mark.full
def test_no_page_scrolls_sideways_on_a_small_phone(new_shopper: Callable[..., Shopper]) -> None:
    shopper = new_shopper(viewport=SMALLEST_PHONE, has_touch=True)
    shopper.registers()
    order_id = shopper.buys(MOUSE)
    shopper.puts_in_basket(MOUSE, 99)
    for address in every_page(shopper, order_id):
        width = shopper.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SMALLEST_PHONE[0], f"{address} is {width} pixels wide"


def test_a_purchase_needs_no_mouse(shopper: Shopper) -> None:
    page, keyboard = shopper.page, shopper.page.keyboard
    shopper.opens()
    # When everything is done from the keyboard: choose a product,
    shopper.tabs_to(page.get_by_role("link", name="Mouse", exact=True))
    keyboard.press("Enter")
    shopper.tabs_to(page.get_by_role("button", name="Add to basket", exact=True))
    keyboard.press("Enter")
    # go to the checkout,
    shopper.tabs_to(page.get_by_role("link", name="Go to the basket"))
    keyboard.press("Enter")
    shopper.tabs_to(page.get_by_role("link", name="Check out"))
    keyboard.press("Enter")
    # fill in the form,
    for label, text in ADDRESS.items():
        shopper.tabs_to(page.get_by_label(label, exact=True))
        keyboard.type(text)
    shopper.tabs_to(page.get_by_label("Country"))
    page.get_by_label("Country").select_option(COUNTRY)
    for label, text in CARD.items():
        shopper.tabs_to(page.get_by_label(label, exact=True))
        keyboard.type(text)
    # and place the order
    shopper.tabs_to(shopper.place_order_button)
    keyboard.press("Enter")
    # Then it is completed
    shopper.is_on_the_order_page()
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)


@pytest.mark.full
def test_the_first_tab_stop_skips_to_the_content(shopper: Shopper) -> None:
    shopper.opens()
    shopper.page.keyboard.press("Tab")
    expect(shopper.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    shopper.page.keyboard.press("Enter")
    expect(shopper.page.get_by_role("main")).to_be_focused()


def test_an_account_needs_no_mouse(shopper: Shopper) -> None:
    page, keyboard = shopper.page, shopper.page.keyboard
    shopper.opens()
    # When somebody finds the form for an account from the keyboard, and sends it empty
    shopper.tabs_to(shopper.account_link)
    keyboard.press("Enter")
    shopper.tabs_to(page.get_by_role("link", name="Open an account"))
    keyboard.press("Enter")
    expect(shopper.heading).to_be_focused(timeout=PATIENCE_MS)
    shopper.tabs_to(page.get_by_role("button", name="Open the account"))
    keyboard.press("Enter")
    # Then the summary has the focus, and its links lead to the fields
    expect(shopper.problem).to_be_focused(timeout=PATIENCE_MS)
    shopper.tabs_to(shopper.problem.get_by_role("link", name="Name"))
    keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    # And when they are filled in, the account is open
    keyboard.type("Ada Lovelace")
    shopper.tabs_to(page.get_by_label("Email"))
    keyboard.type(f"{uuid.uuid4()}@example.com")
    shopper.tabs_to(page.get_by_label("Password", exact=True))
    keyboard.type("a long sentence")
    keyboard.press("Enter")
    shopper.is_signed_in()
    expect(shopper.heading).to_be_focused()


def test_a_new_view_has_the_focus_and_the_title(shopper: Shopper) -> None:
    shopper.opens()
    shopper.page.get_by_role("link", name="Mouse", exact=True).click()
    expect(shopper.heading).to_have_text("Mouse", timeout=PATIENCE_MS)
    expect(shopper.heading).to_be_focused()
    expect(shopper.page).to_have_title("Mouse · sagashop")


@pytest.mark.full
def test_late_news_of_an_order_leaves_the_focus_where_it_is(shopper: Shopper) -> None:
    # Given a cancelled order, and the focus on what can be done about it
    order = {
        "order_id": "ord_1",
        "status": "CANCELLED",
        "items": [{"sku": MOUSE, "name": "Mouse", "quantity": 1, "unit_price_cents": 2999}],
        "total_cents": 2999,
        "currency": "USD",
        "reason": {"code": "PAYMENT_DECLINED", "message": "The card was declined."},
    }
    news = {
        "type": "PaymentDeclined",
        "summary": "Your payment was declined.",
        "occurred_at": "2026-01-02T03:04:05Z",
    }
    shopper.is_shown(order)
    shopper.is_answered("**/orders/ord_1/timeline", 200, {"events": []})
    shopper.opens("#/orders/ord_1")
    shopper.tabs_to(shopper.page.get_by_role("button", name="Put it back in the basket"))
    # When another service's event arrives
    shopper.is_answered("**/orders/ord_1/timeline", 200, {"events": [news]})
    expect(shopper.timeline).to_have_text(re.compile("Your payment was declined."))
    # Then nobody is thrown out of the place
    expect(shopper.page.get_by_role("button", name="Put it back in the basket")).to_be_focused()


@pytest.mark.full
def test_what_was_done_is_announced(shopper: Shopper) -> None:
    shopper.puts_in_basket(MOUSE, 2)
    announcements = shopper.page.get_by_role("status").filter(has_text="added to your basket")
    expect(announcements).to_have_text("2 × Mouse added to your basket.")
