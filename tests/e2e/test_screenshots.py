"""The screenshots of the docs. `make screenshots` takes them; a test run throws its own away."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from support.payment_window import payment_window
from support.shopper import PATIENCE_MS, PAY_LATER, Shopper

LAPTOP, MOUSE, KEYBOARD = "product-001", "product-002", "product-003"
WIDTH, PHONE = 1200, (390, 780)
MOST_BYTES = 600_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go: the folder that SCREENSHOTS names, or one of the test's own."""
    return Path(os.environ.get("SCREENSHOTS") or tmp_path)


@pytest.fixture
def time_to_pay(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[None]:
    """A quarter of an hour, as in any store but the tests' own."""
    with payment_window(900, stack, aws):
        yield


@pytest.mark.full
@pytest.mark.usefixtures("time_to_pay")
def test_the_screenshots_are_taken_and_small(
    new_shopper: Callable[..., Shopper], folder: Path
) -> None:
    shopper = new_shopper(viewport=(WIDTH, 760), reduced_motion="reduce")
    shopper.opens()
    take(shopper, folder / "catalogue.png")

    # An order that goes well
    shopper.registers()
    shopper.puts_in_basket(LAPTOP)
    shopper.puts_in_basket(MOUSE, 2)
    shopper.goes_to_checkout()
    shopper.fills_in()
    shows(shopper, shopper.page.get_by_role("group", name="Payment"))
    take(shopper, folder / "card-form.png")
    shopper.places_the_order()
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)
    expect(shopper.timeline).to_have_count(6, timeout=PATIENCE_MS)
    take(shopper, folder / "order.png", height=1000)

    # One that is broken on purpose
    shopper.puts_in_basket(KEYBOARD)
    shopper.goes_to_checkout()
    shopper.fills_in()
    shopper.breaks_it("The stock can’t be committed")
    shopper.places_the_order()
    shopper.looks_at_the_saga()
    expect(shopper.saga_path.last).to_contain_text("OrderCancelled done", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text("refunded", timeout=PATIENCE_MS)
    shows(shopper, shopper.page.get_by_role("region", name="What happened"))
    take(shopper, folder / "order-undone.png", height=900)

    # One that waits, and all of them in a list
    waiting = shopper.buys(MOUSE, card=PAY_LATER)
    expect(shopper.payment_form).to_be_visible(timeout=PATIENCE_MS)
    shopper.opens("#/orders")
    expect(shopper.orders).to_have_count(3)
    take(shopper, folder / "my-orders.png", height=420)

    # The same on a phone, at night
    shopper.page.emulate_media(color_scheme="dark")
    shopper.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    shopper.opens(f"#/orders/{waiting}")
    shopper.chooses_card()
    shows(shopper, shopper.payment_form)
    take(shopper, folder / "paying-later.png", height=PHONE[1])
    shopper.pays()  # an open order would hold up whoever looks at the store's books
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)

    sizes = {path.name: path.stat().st_size for path in folder.glob("*.png")}
    assert len(sizes) == 6
    assert sum(sizes.values()) < MOST_BYTES, sizes


def shows(shopper: Shopper, part: Locator) -> None:
    """Scrolls the page so that it begins with this part of it."""
    part.evaluate("part => scrollBy(0, part.getBoundingClientRect().top - 24)")


def take(shopper: Shopper, path: Path, height: int = 760) -> None:
    """Takes a picture of what is in sight, without the messages that go away by themselves."""
    page = shopper.page
    width = page.evaluate("innerWidth")
    page.set_viewport_size({"width": width, "height": height})
    expect(page.locator("#toast.shown")).to_have_count(0, timeout=PATIENCE_MS)
    page.screenshot(path=path, animations="disabled")
