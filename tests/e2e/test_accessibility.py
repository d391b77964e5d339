"""The shop works for those who don't see it, don't use a mouse, or hold it in one hand."""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import expect

from support.shopper import ADDRESS, COUNTRY, PATIENCE_MS, Shopper

MOUSE = "product-002"
SMALLEST_PHONE = (320, 640)
# `{order}` stands for an order that the shopper has placed before.
PAGES = {
    "products": "#/",
    "product": f"#/products/{MOUSE}",
    "basket": "#/basket",
    "checkout": "#/checkout",
    "order": "#/orders/{order}",
    "orders": "#/orders",
    "unknown page": "#/nowhere",
    "error document": "no/such/file.html",
}


@pytest.mark.parametrize("color_scheme", ["light", pytest.param("dark", marks=pytest.mark.full)])
def test_axe_finds_nothing_wrong_on_any_page(
    new_shopper: Callable[..., Shopper], color_scheme: str
) -> None:
    # Colours that fade in are measured half way otherwise.
    shopper = new_shopper(color_scheme=color_scheme, reduced_motion="reduce")
    order_id = shopper.buys(MOUSE)
    shopper.puts_in_basket(MOUSE)
    for page in PAGES.values():
        shopper.opens(page.format(order=order_id))
        results = Axe().run(shopper.page)
        assert results.violations_count == 0, f"{page}: {results.generate_report()}"


@pytest.mark.full
def test_axe_finds_nothing_wrong_in_a_refused_form(shopper: Shopper) -> None:
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    shopper.place_order_button.click()
    expect(shopper.problem).to_be_visible(timeout=PATIENCE_MS)
    results = Axe().run(shopper.page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.full
def test_no_page_scrolls_sideways_on_a_small_phone(new_shopper: Callable[..., Shopper]) -> None:
    shopper = new_shopper(viewport=SMALLEST_PHONE, has_touch=True)
    order_id = shopper.buys(MOUSE)
    shopper.puts_in_basket(MOUSE, 99)
    for page in PAGES.values():
        shopper.opens(page.format(order=order_id))
        width = shopper.page.evaluate("document.documentElement.scrollWidth")
        assert width <= SMALLEST_PHONE[0], f"{page} is {width} pixels wide"


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
    shopper.tabs_to(page.get_by_role("radio", name="Visa that works"))
    keyboard.press("ArrowDown")
    keyboard.press("ArrowUp")
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
