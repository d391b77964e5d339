"""The page that describes the HTTP API, beside the shop."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from support.accessibility import is_accessible
from support.api_description import operations
from support.shopper import PATIENCE_MS, Shopper

SMALLEST_PHONE = (320, 640)


def test_the_shop_leads_to_the_description_of_every_route(shopper: Shopper) -> None:
    # When
    shopper.opens()
    shopper.page.get_by_role("contentinfo").get_by_role("link", name="HTTP API").click()

    # Then
    expect(shopper.heading).to_have_text("HTTP API", timeout=PATIENCE_MS)
    links = shopper.page.get_by_role("navigation", name="Routes").get_by_role("link")
    assert sorted(links.all_inner_texts()) == sorted(operations())
    for link in links.all():
        expect(shopper.page.locator(str(link.get_attribute("href")))).to_have_count(1)


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_everybody_can_read_it(new_shopper: Callable[..., Shopper], color_scheme: str) -> None:
    # When
    shopper = new_shopper(color_scheme=color_scheme, viewport=SMALLEST_PHONE)
    shopper.opens("api.html")

    # Then
    is_accessible(shopper.page)
    assert shopper.page.evaluate("document.documentElement.scrollWidth") <= SMALLEST_PHONE[0]
