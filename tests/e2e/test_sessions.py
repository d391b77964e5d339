"""Sessions in the browser: renewed in time, by one tab alone, and ended for all of them."""

import json
from typing import Any

import pytest
import requests
from playwright.sync_api import Request, Route, expect

from support.shopper import ADDRESS, PATIENCE_MS, Shopper

MOUSE = "product-002"
REFRESH = "**/sessions/refresh"


@pytest.fixture
def member(shopper: Shopper) -> Shopper:
    """A shopper who is signed in."""
    shopper.registers()
    return shopper


def session_of(shopper: Shopper) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(
        shopper.page.evaluate("localStorage.getItem('sagashop.session')")
    )
    return stored


def count_refreshes(shopper: Shopper) -> list[str]:
    """Returns a list that grows with each renewal, in any of the shopper's tabs."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/sessions/refresh"):
            sent.append(request.url)

    shopper.page.context.on("request", note)
    return sent


def test_a_session_is_renewed_before_it_expires(member: Shopper) -> None:
    # Given
    before = session_of(member)
    refreshes = count_refreshes(member)
    # When its access token is about to expire
    member.has_to_renew()
    member.opens("#/orders")
    # Then it is renewed, unnoticed and once
    expect(member.heading).to_have_text("No orders yet")
    member.is_signed_in()
    after = session_of(member)
    assert after["refreshToken"] != before["refreshToken"]
    assert len(refreshes) == 1
    # And the renewed one is used from then on
    member.opens("#/account")
    expect(member.heading).to_have_text("Your account")
    assert len(refreshes) == 1
    assert member.refusals == []


@pytest.mark.full
def test_a_token_that_the_shop_refuses_is_renewed_once(member: Shopper) -> None:
    refreshes = count_refreshes(member)
    # When the access token is none of the shop's, whatever the clock says
    member.stores_session(accessToken="not.a.token")
    member.opens("#/account")
    # Then
    expect(member.heading).to_have_text("Your account")
    assert len(refreshes) == 1


def test_tabs_renew_a_session_in_turn(member: Shopper) -> None:
    # Given a renewal that takes its time
    refreshes = count_refreshes(member)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    member.page.context.route(REFRESH, hold, times=1)
    member.has_to_renew()
    tabs = [member.opens_a_tab() for _ in range(3)]
    # When three tabs open pages that need the account, at the same time
    with tabs[0].page.expect_request(REFRESH):
        tabs[0].page.goto(f"{member.storefront_url}/#/account")
    for tab in tabs[1:]:
        tab.page.goto(f"{member.storefront_url}/#/orders")
        expect(tab.page.locator("main[aria-busy]")).to_be_visible()
    held[0].continue_()
    # Then one of them renews it, and all of them use that
    for tab, heading in zip(tabs, ("Your account", "No orders yet", "No orders yet"), strict=True):
        expect(tab.heading).to_have_text(heading, timeout=PATIENCE_MS)
        tab.is_signed_in()
    assert len(refreshes) == 1
    # And the session is still a good one
    member.has_to_renew()
    member.opens("#/account")
    expect(member.heading).to_have_text("Your account")
    assert [tab.console_errors for tab in tabs] == [[], [], []]


def test_a_session_that_somebody_else_renewed_has_ended(
    member: Shopper, stack: dict[str, Any]
) -> None:
    # Given a refresh token that a thief has spent
    token = {"refresh_token": session_of(member)["refreshToken"]}
    stolen = requests.post(f"{stack['api_url']}/sessions/refresh", json=token, timeout=30)
    assert stolen.status_code == 201
    # When its owner returns
    member.has_to_renew()
    member.opens("#/account")
    # Then the session has ended, the page says so, and leads on to the account
    expect(member.page.get_by_text("Your session has ended")).to_be_visible()
    member.is_signed_out()
    member.signs_in(member.email)
    expect(member.heading).to_have_text("Your account", timeout=PATIENCE_MS)


def test_a_session_that_ends_at_the_checkout_leaves_the_choice(member: Shopper) -> None:
    # Given a checkout that is filled in
    member.puts_in_basket(MOUSE)
    member.goes_to_checkout()
    member.fills_in()
    # When the session has ended meanwhile
    member.stores_session(accessToken="not.a.token")
    refused = {"code": "INVALID_TOKEN"}
    member.is_answered(REFRESH, 401, refused)
    member.place_order_button.click()
    # Then nothing was ordered, and the shopper may order as a guest
    expect(member.problem).to_contain_text("Nothing was ordered or charged", timeout=PATIENCE_MS)
    member.is_signed_out()
    member.places_the_order()
    expect(member.order_status).to_be_visible()


@pytest.mark.full
def test_signing_out_signs_out_every_tab(member: Shopper) -> None:
    # Given another tab with the account's orders
    other = member.opens_a_tab()
    other.opens("#/account")
    expect(other.heading).to_have_text("Your account")
    # When
    member.signs_out()
    # Then that tab shows nothing of the account any more
    expect(other.heading).to_have_text("Sign in", timeout=PATIENCE_MS)
    other.is_signed_out()
    # And when somebody signs in, it does again
    member.signs_in(member.email)
    expect(other.heading).to_have_text("Your account", timeout=PATIENCE_MS)
    assert other.console_errors == []


@pytest.mark.full
def test_who_signs_out_leaves_no_address_behind(member: Shopper) -> None:
    # Given an address that was typed, and nothing ordered
    member.puts_in_basket(MOUSE)
    member.goes_to_checkout()
    expect(member.page.get_by_label("Email")).to_have_value(member.email)
    member.fills_in()
    # When
    member.signs_out()
    # Then the next one at this browser finds an empty form
    member.opens("#/checkout")
    for label in ADDRESS:
        expect(member.page.get_by_label(label, exact=True)).to_have_value("")


@pytest.mark.full
def test_a_shop_that_cannot_be_told_is_signed_out_of_all_the_same(member: Shopper) -> None:
    member.opens("#/account")
    member.page.route("**/sessions/current", lambda route: route.abort())
    member.page.get_by_role("button", name="Sign out").click()
    expect(member.page.get_by_text("You are signed out.")).to_be_visible(timeout=PATIENCE_MS)
    expect(member.page.locator("#toast")).to_contain_text("couldn’t be told")
    member.is_signed_out()


@pytest.mark.full
def test_a_guests_token_that_expired_leads_to_the_mail_or_the_account(shopper: Shopper) -> None:
    # Given an order that was opened by a token which the shop does not accept any more
    order_id = shopper.buys(MOUSE)
    kept = json.dumps([{"orderId": order_id, "token": "not.a.token"}])
    shopper.page.evaluate("kept => localStorage.setItem('sagashop.recent-orders', kept)", kept)
    # When
    shopper.opens("#/orders")
    # Then the list goes on without it
    expect(shopper.heading).to_have_text("No orders yet")
    shopper.opens(f"#/orders/{order_id}")
    expect(shopper.page.get_by_role("main")).to_contain_text("use the link in our mail")
