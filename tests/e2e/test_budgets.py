"""What the storefront may cost: bytes until the first page is there, and pages that jump."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Response, expect

from support.shopper import PATIENCE_MS, Shopper

MOUSE = "product-002"
FIRST_PAGE_BYTES = 150_000
# "Good" by https://web.dev/articles/cls, which also defines the measure.
LAYOUT_SHIFT = 0.1
NOTE_SHIFTS = """
    window.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) {
        if (!shift.hadRecentInput) window.layoutShift += shift.value;
      }
    }).observe({ type: "layout-shift", buffered: true });
"""


def test_the_first_page_stays_within_its_budget(shopper: Shopper) -> None:
    # Given
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    shopper.page.on("response", note)

    # When
    shopper.opens()
    shopper.page.wait_for_load_state("networkidle")

    # Then
    sizes = {answer.url: len(answer.body()) for answer in answers}
    assert sum(sizes.values()) < FIRST_PAGE_BYTES, sizes
    assert any(url.endswith("/js/main.js") for url in sizes)
    assert not any("/vendor/" in url for url in sizes), "the graph's code is for the order page"


@pytest.mark.parametrize(
    "viewport", [(1280, 900), pytest.param((360, 740), marks=pytest.mark.full)]
)
def test_no_page_jumps(new_shopper: Callable[..., Shopper], viewport: tuple[int, int]) -> None:
    # Given
    shopper = new_shopper(viewport=viewport)
    shopper.page.add_init_script(NOTE_SHIFTS)
    shifts: dict[str, float] = {}

    def note(page: str) -> None:
        shifts[page] = shopper.page.evaluate("window.layoutShift")

    # When
    shopper.opens()
    note("products")
    shopper.opens(f"#/products/{MOUSE}")
    note("product")
    order_id = shopper.buys(MOUSE)
    shopper.looks_at_the_saga()
    shopper.opens("#/orders")
    note("orders")
    # The saga's graph is what the order's page begins with from now on.
    shopper.opens(f"#/orders/{order_id}")
    shopper.reloads()
    expect(shopper.saga_path.last).to_contain_text(re.compile("Order"), timeout=PATIENCE_MS)
    note("order")

    # Then
    assert {page: shift for page, shift in shifts.items() if shift >= LAYOUT_SHIFT} == {}
