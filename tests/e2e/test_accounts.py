"""Accounts in the storefront: open one, sign in and out, change the password, close it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from support.accessibility import is_accessible
from support.shopper import ADDRESS, NAME, PASSWORD, PATIENCE_MS, Shopper

MOUSE = "product-002"
OTHER_PASSWORD = "another long sentence"


def test_an_account_is_opened_and_signed_out_of_and_in_to(shopper: Shopper) -> None:
    # When
    email = shopper.registers()
    shopper.account_link.click()
    # Then
    expect(shopper.heading).to_have_text("Your account", timeout=PATIENCE_MS)
    main = shopper.page.get_by_role("main")
    expect(main).to_contain_text(NAME)
    expect(main).to_contain_text(email)
    # And when it is signed out of
    shopper.page.get_by_role("button", name="Sign out").click()
    # Then the page says so, nothing of the account is left, and the account can be returned to
    expect(shopper.page.get_by_text("You are signed out.")).to_be_visible(timeout=PATIENCE_MS)
    expect(main).not_to_contain_text(email)
    shopper.is_signed_out()
    assert shopper.page.evaluate("localStorage.getItem('sagashop.session')") is None
    shopper.signs_in(email)
    expect(main).to_contain_text(email, timeout=PATIENCE_MS)
    assert shopper.refusals == []


def test_a_wrong_password_tells_what_to_do_next(shopper: Shopper) -> None:
    shopper.opens("#/sign-in")
    shopper.signs_in("nobody@example.com")
    expect(shopper.problem).to_contain_text("password is wrong", timeout=PATIENCE_MS)
    expect(shopper.problem).to_contain_text("order without an account")
    expect(shopper.problem).to_be_focused()


def test_too_many_tries_tell_until_when(shopper: Shopper) -> None:
    shopper.is_answered("**/sessions", 429, {"code": "TOO_MANY_REQUESTS"}, retry_after=754)
    shopper.opens("#/sign-in")
    shopper.signs_in("ada@example.com")
    expect(shopper.problem).to_contain_text(
        re.compile(r"try again at \d+:\d\d [AP]M"), timeout=PATIENCE_MS
    )


@pytest.mark.full
def test_a_taken_address_leads_to_signing_in(shopper: Shopper) -> None:
    # Given
    shopper.opens("#/register/checkout")
    shopper.is_answered("**/accounts", 409, {"code": "EMAIL_TAKEN"})
    # When
    for label, text in {"Name": NAME, "Email": "a@example.com", "Password": PASSWORD}.items():
        shopper.page.get_by_label(label, exact=True).fill(text)
    shopper.page.get_by_role("button", name="Open the account").click()
    # Then
    expect(shopper.problem).to_contain_text("has an account already", timeout=PATIENCE_MS)
    shopper.problem.get_by_role("link", name="Sign in").click()
    expect(shopper.heading).to_have_text("Sign in")
    assert shopper.page.url.endswith("#/sign-in/checkout")


@pytest.mark.full
def test_what_the_shop_refuses_is_told_at_the_field(shopper: Shopper) -> None:
    shopper.opens("#/register")
    for label, text in {"Name": NAME, "Email": "ada", "Password": "short"}.items():
        shopper.page.get_by_label(label, exact=True).fill(text)
    shopper.page.get_by_role("button", name="Open the account").click()
    expect(shopper.problem.get_by_role("link")).to_have_count(2, timeout=PATIENCE_MS)
    password = shopper.page.get_by_label("Password", exact=True)
    expect(password).to_have_accessible_description(re.compile("from 8 to 128.*A sentence"))


@pytest.mark.full
def test_a_password_can_be_shown_while_it_is_typed(shopper: Shopper) -> None:
    shopper.opens("#/sign-in")
    password = shopper.page.get_by_label("Password", exact=True)
    expect(password).to_have_attribute("type", "password")
    shopper.page.get_by_label("Show it").check()
    expect(password).to_have_attribute("type", "text")


@pytest.mark.full
def test_the_password_is_changed(shopper: Shopper, new_shopper: Callable[..., Shopper]) -> None:
    # Given somebody who is signed in on two devices
    email = shopper.registers()
    elsewhere = new_shopper()
    elsewhere.opens("#/sign-in")
    elsewhere.signs_in(email)
    elsewhere.is_signed_in()
    shopper.opens("#/account")
    form = shopper.page.get_by_role("form", name="Change your password")
    # When the current password is mistyped
    form.get_by_label("Current password", exact=True).fill("a wrong sentence")
    form.get_by_label("New password", exact=True).fill(OTHER_PASSWORD)
    form.get_by_role("button", name="Change").click()
    # Then it is told at its field
    current = form.get_by_label("Current password", exact=True)
    expect(current).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    # And when it is right
    current.fill(PASSWORD)
    form.get_by_role("button", name="Change").click()
    expect(shopper.page.locator("#toast")).to_have_text(
        "Your password is changed.", timeout=PATIENCE_MS
    )
    # Then this device stays signed in, and the other one has to sign in with the new password
    shopper.reloads()
    shopper.is_signed_in()
    elsewhere.has_to_renew()
    elsewhere.opens("#/account")
    expect(elsewhere.page.get_by_text("Your session has ended")).to_be_visible(timeout=PATIENCE_MS)
    elsewhere.signs_in(email, OTHER_PASSWORD)
    expect(elsewhere.heading).to_have_text("Your account", timeout=PATIENCE_MS)


def test_an_account_is_deleted(shopper: Shopper) -> None:
    # Given
    email = shopper.registers()
    shopper.opens("#/account")
    form = shopper.page.get_by_role("form", name="Delete your account")
    expect(form).to_contain_text("This cannot be undone.")
    button = form.get_by_role("button", name="Delete the account")
    # When the password is wrong
    form.get_by_label("Your password", exact=True).fill("a wrong sentence")
    button.click()
    password = form.get_by_label("Your password", exact=True)
    expect(password).to_have_attribute("aria-invalid", "true", timeout=PATIENCE_MS)
    # And then right
    password.fill(PASSWORD)
    button.click()
    # Then it is gone
    expect(shopper.page.get_by_text("Your account is deleted")).to_be_visible(timeout=PATIENCE_MS)
    shopper.is_signed_out()
    shopper.signs_in(email)
    expect(shopper.problem).to_contain_text("password is wrong", timeout=PATIENCE_MS)


@pytest.mark.full
def test_signing_in_on_the_way_comes_back_to_the_checkout(shopper: Shopper) -> None:
    # Given a form that is filled in
    email = shopper.registers()
    shopper.signs_out()
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    shopper.fills_in()
    # When
    shopper.page.get_by_role("main").get_by_role("link", name="Sign in").click()
    shopper.signs_in(email)
    # Then the checkout is as it was left, and knows who orders
    expect(shopper.heading).to_have_text("Checkout", timeout=PATIENCE_MS)
    expect(shopper.page.get_by_label("City")).to_have_value(ADDRESS["City"])
    expect(shopper.page.get_by_text(f"You order as {NAME}.")).to_be_visible()


def test_an_order_of_an_account_is_opened_by_signing_in_alone(shopper: Shopper) -> None:
    # Given an order that was placed by somebody who then signed out
    email = shopper.registers()
    order_id = shopper.buys(MOUSE)
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)
    shopper.signs_out()
    # When the next one at this browser looks for it
    shopper.opens("#/orders")
    expect(shopper.heading).to_have_text("No orders yet")
    shopper.opens(f"#/orders/{order_id}")
    # Then it is not there
    expect(shopper.heading).to_have_text("We don’t know this order", timeout=PATIENCE_MS)
    # And its owner finds it, at once and in the list
    shopper.page.get_by_role("main").get_by_role("link", name="Sign in").click()
    shopper.signs_in(email)
    assert shopper.is_on_the_order_page() == order_id
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)
    shopper.opens("#/orders")
    expect(shopper.orders).to_have_count(1)
    expect(shopper.orders.get_by_role("link")).to_have_attribute("href", f"#/orders/{order_id}")


@pytest.mark.full
def test_a_guests_orders_stay_with_the_browser(shopper: Shopper) -> None:
    # Given an order of a guest, and one of an account
    guests = shopper.buys(MOUSE)
    shopper.registers()
    own = shopper.buys(MOUSE)
    # When
    shopper.opens("#/orders")
    # Then each is in its list
    shown = [link.get_attribute("href") for link in shopper.orders.get_by_role("link").all()]
    assert shown == [f"#/orders/{own}", f"#/orders/{guests}"]
    expect(shopper.page.get_by_role("heading", name="Orders of this browser")).to_be_visible()
    # And the guest's is opened by its own token
    shopper.opens(f"#/orders/{guests}")
    expect(shopper.order_status).to_be_visible()


def an_order(number: int) -> dict[str, Any]:
    return {
        "order_id": f"ord_{number}",
        "status": "COMPLETED",
        "status_text": {"label": "Completed", "headline": "", "detail": ""},
        "items": [{"sku": MOUSE, "name": "Mouse", "quantity": 2, "unit_price_cents": 2999}],
        "total_cents": 5998,
        "currency": "USD",
        "created_at": "2026-01-02T03:04:05.000Z",
    }


def test_more_orders_are_shown_when_asked_for(shopper: Shopper) -> None:
    # Given an account with three orders, of which the shop tells two at a time
    shopper.registers()
    first = {"orders": [an_order(3), an_order(2)], "next_cursor": "ord_2"}
    last = {"orders": [an_order(1)], "next_cursor": None}
    shopper.is_answered("**/customers/me/orders", 200, first)
    shopper.is_answered("**/customers/me/orders?cursor=ord_2", 503, {"title": "Busy"}, times=1)
    shopper.opens("#/orders")
    expect(shopper.orders).to_have_count(2)
    more = shopper.page.get_by_role("button", name="Show more")
    # When the next one cannot be had
    more.click()
    # Then the page says so
    expect(shopper.problem).to_contain_text("could not be loaded", timeout=PATIENCE_MS)
    is_accessible(shopper.page)
    # And when it can, the reader is led to it
    shopper.is_answered("**/customers/me/orders?cursor=ord_2", 200, last)
    more.click()
    expect(shopper.orders).to_have_count(3)
    expect(shopper.orders.last.get_by_role("link")).to_be_focused()
    expect(more).to_be_hidden()
