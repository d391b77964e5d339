"""What a shopper sees when something is wrong: the form, the shop, the address or the order."""

from typing import Any

import pytest
from playwright.sync_api import expect

from support.shopper import PATIENCE_MS, Shopper

MOUSE = "product-002"


@pytest.fixture
def at_checkout(shopper: Shopper) -> Shopper:
    """A shopper at the checkout, with one mouse in the basket and an empty form."""
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    return shopper


def test_each_wrong_field_is_named_and_can_be_reached(at_checkout: Shopper) -> None:
    page = at_checkout.page
    # When the form is sent empty
    at_checkout.place_order_button.click()
    # Then a summary takes the focus and names the fields, of the address and of the card
    expect(at_checkout.problem).to_be_focused(timeout=PATIENCE_MS)
    expect(at_checkout.problem.get_by_role("link")).to_have_count(5 + 4)
    # And each field carries its own message
    street = page.get_by_label("Street and number")
    expect(street).to_have_attribute("aria-invalid", "true")
    expect(street).to_have_accessible_description("Street and number must not be empty.")
    # When a message of the summary is followed
    at_checkout.problem.get_by_role("link", name="Street and number").click()
    # Then the field has the focus, on the same page
    expect(street).to_be_focused()
    expect(at_checkout.heading).to_have_text("Checkout")


@pytest.mark.full
def test_a_corrected_form_is_accepted(at_checkout: Shopper) -> None:
    # Given a form refused only for its e-mail address
    at_checkout.fills_in()
    at_checkout.page.get_by_label("Email").fill("ada@example")
    at_checkout.place_order_button.click()
    expect(at_checkout.problem.get_by_role("link")).to_have_count(1, timeout=PATIENCE_MS)
    # When that is corrected
    at_checkout.page.get_by_label("Email").fill("ada@example.com")
    # Then the order is placed
    at_checkout.places_the_order()


@pytest.mark.full
def test_a_wrong_line_names_the_product(at_checkout: Shopper) -> None:
    problem = {
        "title": "Some fields are missing or wrong",
        "status": 422,
        "code": "VALIDATION_FAILED",
        "errors": [{"field": "items[0].quantity", "message": "must be from 1 to 5"}],
    }
    at_checkout.is_answered("**/orders", 422, problem)
    at_checkout.fills_in()
    at_checkout.place_order_button.click()
    expect(at_checkout.problem).to_contain_text("in your basket: quantity must be from 1 to 5.")


def test_a_shop_that_is_down_can_be_tried_again(at_checkout: Shopper) -> None:
    at_checkout.is_answered("**/orders", 503, {"title": "The service is busy"}, times=1)
    at_checkout.fills_in()
    at_checkout.place_order_button.click()
    expect(at_checkout.problem).to_contain_text("couldn’t take your order", timeout=PATIENCE_MS)
    at_checkout.places_the_order()


@pytest.mark.full
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("TOO_MANY_REQUESTS", "Nothing was ordered or charged"),
        ("UNPAID_ORDERS", "orders wait for their payment"),
    ],
)
def test_a_limit_tells_what_to_do_and_when(at_checkout: Shopper, code: str, told: str) -> None:
    at_checkout.is_answered("**/orders", 429, {"code": code}, retry_after=40)
    at_checkout.fills_in()
    at_checkout.place_order_button.click()
    expect(at_checkout.problem).to_contain_text(told, timeout=PATIENCE_MS)
    expect(at_checkout.problem).to_contain_text("try again in 40 s")


@pytest.mark.full
def test_a_key_that_was_used_for_another_order_is_renewed(at_checkout: Shopper) -> None:
    conflict = {"title": "Conflict", "status": 409, "code": "IDEMPOTENCY_KEY_REUSED"}
    at_checkout.is_answered("**/orders", 409, conflict, times=1)
    at_checkout.fills_in()
    at_checkout.place_order_button.click()
    expect(at_checkout.problem).to_contain_text("There may be an order already")
    at_checkout.places_the_order()
    assert len(set(at_checkout.idempotency_keys)) == 2


@pytest.mark.full
def test_a_catalogue_that_cannot_be_read_can_be_tried_again(shopper: Shopper) -> None:
    shopper.page.route("**/products", lambda route: route.abort(), times=1)
    shopper.opens()
    expect(shopper.heading).to_have_text("We can’t reach the shop")
    shopper.page.get_by_role("button", name="Try again").click()
    expect(shopper.page.get_by_role("link", name="Mouse", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )


@pytest.mark.full
@pytest.mark.parametrize(
    "answer",
    [
        {"status": 404, "body": "not here"},
        {"status": 200, "body": "<html>"},
        {"status": 200, "body": '{"apiUrl": "javascript:alert(1)"}'},
    ],
    ids=["missing", "not JSON", "no web address"],
)
def test_a_shop_without_its_configuration_says_so(shopper: Shopper, answer: dict[str, Any]) -> None:
    shopper.page.route("**/config.json", lambda route: route.fulfill(**answer))
    shopper.opens()
    expect(shopper.heading).to_have_text("This shop isn’t set up yet")
    expect(shopper.page.get_by_role("main")).to_contain_text("config.json")


@pytest.mark.full
@pytest.mark.parametrize(
    ("address", "heading"),
    [
        ("#/orders/ord_unknown", "We don’t know this order"),
        ("#/products/unknown", "We don’t sell this"),
        ("#/nowhere", "There is no page here"),
        ("no/such/file.html", "There is no page here"),
    ],
)
def test_an_unknown_address_leads_back_to_the_shop(
    shopper: Shopper, address: str, heading: str
) -> None:
    shopper.opens(address)
    expect(shopper.heading).to_have_text(heading)
    shopper.page.get_by_role("main").get_by_role("link", name="See the products").click()
    expect(shopper.page.get_by_role("link", name="Mouse", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )


@pytest.mark.full
def test_an_address_without_its_hash_still_finds_the_view(shopper: Shopper) -> None:
    shopper.page.goto(f"{shopper.storefront_url}/products/{MOUSE}")
    expect(shopper.heading).to_have_text("Mouse", timeout=PATIENCE_MS)


def test_an_order_that_needs_a_person_is_explained_kindly(shopper: Shopper) -> None:
    order = {
        "order_id": "ord_1",
        "status": "NEEDS_ATTENTION",
        "items": [{"sku": MOUSE, "name": "Mouse", "quantity": 1, "unit_price_cents": 2990}],
        "total_cents": 2990,
        "currency": "USD",
        "reason": {"code": "INTERNAL_ERROR", "message": "RefundUnavailable"},
    }
    shopper.is_shown(order)
    shopper.is_answered("**/orders/ord_1/timeline", 200, {"events": []})
    shopper.opens("#/orders/ord_1")
    expect(shopper.order_status).to_contain_text("A person is looking after your order")
    expect(shopper.order_status).to_contain_text("please don't pay again")


def test_a_lost_connection_is_told_and_the_order_followed_again(shopper: Shopper) -> None:
    # Given an order that is being followed
    order = {
        "order_id": "ord_1",
        "status": "PENDING",
        "items": [{"sku": MOUSE, "name": None, "quantity": 1, "unit_price_cents": None}],
        "total_cents": None,
        "currency": None,
        "reason": None,
    }
    address = "**/orders/ord_1"
    shopper.is_answered(f"{address}/timeline", 200, {"events": []})
    shopper.is_shown(order)
    shopper.opens("#/orders/ord_1")
    # When the shop cannot be reached any more
    shopper.page.route(address, lambda route: route.abort())
    # Then the page says so
    expect(shopper.order_status).to_contain_text("lost contact", timeout=PATIENCE_MS)
    # When it can be reached again, and the order is completed
    shopper.is_shown({**order, "status": "COMPLETED"})
    # Then the page goes on by itself
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)
    expect(shopper.order_status).not_to_contain_text("lost contact")


@pytest.mark.full
def test_leaving_a_page_that_is_still_loading_is_no_error(shopper: Shopper) -> None:
    # Given a catalogue that takes forever
    shopper.page.route("**/products", lambda _: None)
    shopper.page.goto(shopper.storefront_url)
    # When the shopper goes elsewhere
    shopper.page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    # Then that is shown, and nothing complains (as after every test here)
    expect(shopper.heading).to_have_text("No orders yet")


def test_markup_in_a_product_is_shown_as_text(shopper: Shopper) -> None:
    product: dict[str, Any] = {
        "sku": "<b>sku</b>",
        "name": "<img src=x onerror=alert(1)>",
        "description": "<script>alert(1)</script>",
        "price_cents": 100,
        "currency": "USD",
        "available": 9,
    }
    shopper.is_answered("**/products", 200, {"products": [product]})
    shopper.opens()
    expect(shopper.page.get_by_role("link", name=product["name"])).to_be_visible()
    expect(shopper.page.get_by_role("main")).to_contain_text(product["description"])
