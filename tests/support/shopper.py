"""A shopper in a browser: what one does in the storefront, so that tests read as sentences."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

from shared import wording

# Far above what anything takes: machines are shared, and a test must only fail for a reason.
PATIENCE_MS = 60_000

ADDRESS: Mapping[str, str] = MappingProxyType(
    {
        "Email": "ada@example.com",
        "Street and number": "12 Analytical Row",
        "City": "London",
        "State or region": "LDN",
        "ZIP or postal code": "NW1 6XE",
    }
)
COUNTRY = "GB"
# The test card that works, as it is printed.
CARD: Mapping[str, str] = MappingProxyType(
    {
        "Card number": "4242424242424242",
        "Expiry date": "1239",
        "Security code": "123",
        "Name on the card": "Ada Lovelace",
    }
)
# What somebody who registers types, besides the address, which is another one each time.
NAME = "Ada Lovelace"
PASSWORD = "a long sentence"
PAY_LATER = "Pay later"
# The carrier's test country: it refuses it.
NOWHERE = "XX"
JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
# Enough for every control of the longest page.
MOST_TAB_STOPS = 80


class Shopper:
    """One visitor with a browser of their own.

    `console_errors` is what the page complained about; that the API refused something (which the
    browser notes there as well) is kept apart in `refusals`. `email` is the address of the account
    that the shopper has opened.
    """

    def __init__(self, page: Page, storefront_url: str) -> None:
        self.page = page
        self.storefront_url = storefront_url.rstrip("/")
        self.console_errors: list[str] = []
        self.refusals: list[str] = []
        self.orders_sent: list[Request] = []
        self.email = ""
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        page.on("request", self._note_request)

    @property
    def heading(self) -> Locator:
        """The page's main heading."""
        return self.page.get_by_role("heading", level=1)

    @property
    def order_status(self) -> Locator:
        """What the order page says about the order as a whole."""
        return self.page.get_by_role("region", name="Status").get_by_role("status")

    @property
    def timeline(self) -> Locator:
        """The entries of the order's timeline."""
        return self.page.get_by_role("region", name="What happened").get_by_role("listitem")

    @property
    def saga_path(self) -> Locator:
        """The states that the order's saga went through, in a list."""
        return self.page.get_by_role("region", name="The states").get_by_role("listitem")

    @property
    def problem(self) -> Locator:
        """The box that says what is wrong with a form."""
        return self.page.get_by_role("alert").filter(visible=True)

    @property
    def place_order_button(self) -> Locator:
        """The checkout's one button."""
        return self.page.get_by_role("button", name="Place the order")

    @property
    def payment_form(self) -> Locator:
        """The part of the order page where a waiting order is paid."""
        return self.page.get_by_role("region", name="Pay for your order")

    @property
    def delivery(self) -> Locator:
        """The part of the order page that says who brings the order."""
        return self.page.get_by_role("region", name="Delivery")

    @property
    def cancel_button(self) -> Locator:
        """The order page's button that asks whether the order is to be cancelled."""
        return self.page.get_by_role("button", name="Cancel the order")

    @property
    def account_link(self) -> Locator:
        """The last entry of the main menu: the account, or where one signs in."""
        return self.page.locator("#account-link")

    @property
    def orders(self) -> Locator:
        """The orders that the page lists."""
        return self.page.locator(".orders > li")

    @property
    def idempotency_keys(self) -> list[str]:
        """The keys under which orders were sent, in order."""
        return [request.headers["idempotency-key"] for request in self.orders_sent]

    def opens(self, path: str = "#/") -> None:
        """Goes to an address of the shop and waits for its view."""
        self.page.goto(f"{self.storefront_url}/{path}")
        self.sees_a_view()

    def reloads(self) -> None:
        """Loads the page anew."""
        self.page.reload()
        self.sees_a_view()

    def sees_a_view(self) -> None:
        """Waits until the view that the address names has taken the place of the one before."""
        expect(self.page.locator("main:not([aria-busy]) h1")).to_be_visible(timeout=PATIENCE_MS)

    def puts_in_basket(self, sku: str, quantity: int = 1) -> None:
        """Opens a product's page and adds units of it."""
        self.opens(f"#/products/{sku}")
        quantity_field = self.page.get_by_role("spinbutton")
        quantity_field.fill(str(quantity))
        quantity_field.blur()
        self.page.get_by_role("button", name="Add to basket", exact=True).click()
        expect(self.page.locator("#toast")).to_contain_text("added to your basket")

    def goes_to_checkout(self) -> None:
        """Opens the checkout by way of the basket."""
        self.page.get_by_role("navigation").get_by_role("link", name="Basket").click()
        self.page.get_by_role("link", name="Check out").click()
        expect(self.heading).to_have_text("Checkout", timeout=PATIENCE_MS)

    def fills_in(self, card: str = "Visa that works", country: str = COUNTRY) -> None:
        """Fills in the address and chooses one of the test cards, or to pay later."""
        for label, text in ADDRESS.items():
            self.page.get_by_label(label, exact=True).fill(text)
        self.page.get_by_label("Country").select_option(country)
        if card == PAY_LATER:
            self.page.get_by_role("radio", name=PAY_LATER).check()
        else:
            self.chooses_card(card)

    def chooses_card(self, card: str = "Visa that works") -> None:
        """Has a test card filled in, once there is a form for it."""
        self.page.get_by_role("button", name=card).click(timeout=PATIENCE_MS)

    def breaks_it(self, how: str) -> None:
        """Chooses what goes wrong with the order that is about to be placed."""
        self.page.get_by_text("Break it", exact=True).click()
        self.page.get_by_role("radio", name=how).check()

    def places_the_order(self) -> str:
        """Presses the button and follows to the order's page; returns the order's id."""
        self.place_order_button.click()
        return self.is_on_the_order_page()

    def is_on_the_order_page(self) -> str:
        """Waits for an order's page; returns the order's id."""
        self.page.wait_for_url(re.compile(r"#/orders/[^/]+$"), timeout=PATIENCE_MS)
        self.sees_a_view()
        return self.page.url.rsplit("/", 1)[1]

    def buys(
        self,
        sku: str,
        quantity: int = 1,
        card: str = "Visa that works",
        country: str = COUNTRY,
    ) -> str:
        """Goes the whole way from the product's page to the order's; returns the order's id."""
        self.puts_in_basket(sku, quantity)
        self.goes_to_checkout()
        self.fills_in(card, country)
        return self.places_the_order()

    def pays(self, card: str = "Visa that works") -> None:
        """Pays on the order's page, once that asks for it."""
        self.chooses_card(card)
        self.payment_form.get_by_role("button", name=re.compile("^Pay")).click()

    def registers(self) -> str:
        """Opens an account, which signs in to it; returns its e-mail address."""
        email = f"{uuid.uuid4()}@example.com"
        self.opens("#/register")
        self.page.get_by_label("Name", exact=True).fill(NAME)
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Open the account").click()
        self.is_signed_in()
        self.email = email
        return email

    def signs_in(self, email: str, password: str = PASSWORD) -> None:
        """Fills in the form for signing in that the page shows, and sends it."""
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def signs_out(self) -> None:
        """Signs out on the account's page, which then offers to sign in."""
        self.opens("#/account")
        self.page.get_by_role("button", name="Sign out").click()
        self.is_signed_out()

    def stores_session(self, **changes: object) -> None:
        """Changes what the browser has stored of the session."""
        self.page.evaluate(
            "changes => localStorage.setItem('sagashop.session', JSON.stringify("
            "{ ...JSON.parse(localStorage.getItem('sagashop.session')), ...changes }))",
            changes,
        )

    def has_to_renew(self) -> None:
        """Lets the access token be out of date."""
        self.stores_session(expiresAt=0)

    def is_signed_in(self) -> None:
        """Waits until the menu leads to the account."""
        expect(self.account_link).to_have_text("Account", timeout=PATIENCE_MS)

    def is_signed_out(self) -> None:
        """Waits until the menu leads to where one signs in."""
        expect(self.account_link).to_have_text("Sign in", timeout=PATIENCE_MS)

    def opens_a_tab(self) -> "Shopper":
        """Returns the same shopper in another tab of the browser."""
        return Shopper(self.page.context.new_page(), self.storefront_url)

    def looks_at_the_saga(self) -> None:
        """Chooses the saga's graph on the order's page, and waits until it shows something."""
        self.page.get_by_role("radio", name="The saga").check()
        expect(self.saga_path.first).to_be_visible(timeout=PATIENCE_MS)

    def state(self, name: str) -> Locator:
        """A state in the saga's graph."""
        exactly = self.page.locator(".node-name", has_text=re.compile(f"^{name}$"))
        return self.page.locator(".node", has=exactly)

    def is_answered(
        self,
        address: str,
        status: int,
        body: Mapping[str, Any],
        times: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Lets the API give this answer, `times` times or from now on, instead of its own."""
        headers = {"Access-Control-Allow-Origin": "*"}
        if retry_after is not None:
            headers |= {"Retry-After": str(retry_after)}
            headers |= {"Access-Control-Expose-Headers": "Retry-After"}
        self.page.route(
            address,
            lambda route: route.fulfill(
                status=status,
                content_type=JSON if status < 400 else PROBLEM_JSON,
                headers=headers,
                body=json.dumps(body),
            ),
            times=times,
        )

    def is_shown(self, order: Mapping[str, Any]) -> None:
        """Lets the API show this order from now on, with the words for its status."""
        text = wording.status_text(
            order["status"],
            is_payable=order.get("payment_due_at") is not None,
            is_being_cancelled=order.get("cancel_requested", False),
        )
        body = {**order, "status_text": asdict(text)}
        self.is_answered(f"**/orders/{order['order_id']}", 200, body)

    def tabs_to(self, target: Locator) -> None:
        """Presses Tab until the target has the focus; fails where the keyboard cannot reach it."""
        expect(target).to_be_visible(timeout=PATIENCE_MS)
        for _ in range(MOST_TAB_STOPS):
            self.page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"Tab never reached {target}")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if message.text.startswith("Failed to load resource"):
            self.refusals.append(f"{message.text} {message.location.get('url', '')}")
        else:
            self.console_errors.append(message.text)

    def _note_request(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/orders"):
            self.orders_sent.append(request)
