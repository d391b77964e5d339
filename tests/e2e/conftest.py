"""A real browser, and a shopper in it, for every test."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.shopper import Shopper

# The sandbox needs privileges that a container seldom has; the rest keeps the browser from
# talking to anyone but the store.
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome")
DESKTOP = (1280, 900)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium; without one the browser tests fail, they don't vanish."""
    chosen = os.environ.get("CHROMIUM")
    names = (chosen,) if chosen else BROWSER_NAMES
    executable = next((path for name in names if (path := shutil.which(name))), None)
    if executable is None:
        pytest.fail(
            "The browser tests need Chromium: install it (Debian and Ubuntu: `apt-get install "
            "chromium`), or set CHROMIUM to the path of a Chromium or Chrome.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def new_shopper(browser: Browser, stack: dict[str, Any]) -> Iterator[Callable[..., Shopper]]:
    """Brings shoppers with empty baskets; none of their pages may complain in the console."""
    shoppers: list[Shopper] = []

    def bring(
        viewport: tuple[int, int] = DESKTOP, color_scheme: str = "light", **options: Any
    ) -> Shopper:
        context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            color_scheme="dark" if color_scheme == "dark" else "light",
            locale="en-US",
            **options,
        )
        shopper = Shopper(context.new_page(), stack["storefront_url"])
        shoppers.append(shopper)
        return shopper

    yield bring
    for shopper in shoppers:
        shopper.page.context.close()
        assert shopper.console_errors == []


@pytest.fixture
def shopper(new_shopper: Callable[..., Shopper]) -> Shopper:
    """A shopper at a desktop."""
    return new_shopper()
