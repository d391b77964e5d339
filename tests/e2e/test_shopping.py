"""A shopper's main errands: buying, being declined, being too late, and the basket."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from sagashop_ops.client import Line, StoreClient
from support.shopper import NOWHERE, PATIENCE_MS, Shopper

MOUSE = "product-002"
KEYBOARD = "product-003"


def test_a_paid_order_is_completed_and_tells_its_story(
    shopper: Shopper, store: StoreClient
) -> None:
    # Given two mice in the basket
    shopper.puts_in_basket(MOUSE, 2)
    shopper.goes_to_checkout()
    # When the shopper pays with a card that works
    shopper.fills_in(card="Visa that works")
    order_id = shopper.places_the_order()
    # Then the order is completed, and the page says so without being reloaded
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)
    order = store.order(order_id)
    assert order["status"] == "COMPLETED"
    total = shopper.page.get_by_role("row", name="Total")
    expect(total).to_contain_text(f"${order['total_cents'] / 100:,.2f}")
    # And the page says who brings it, and under which number
    expect(shopper.delivery).to_contain_text(order["shipment"]["carrier"])
    expect(shopper.delivery).to_contain_text(order["shipment"]["tracking_number"])
    # And the timeline shows the shop's events, in their order
    expect(shopper.timeline).to_have_count(6, timeout=PATIENCE_MS)
    told = [event["summary"] for event in store.get(f"/orders/{order_id}/timeline")["events"]]
    for entry, summary in zip(shopper.timeline.all(), told, strict=True):
        expect(entry).to_contain_text(summary)
    # And nothing was refused on the way, not even an icon
    assert shopper.refusals == []


@pytest.mark.full
def test_a_placed_order_is_found_again_under_orders(shopper: Shopper) -> None:
    order_id = shopper.buys(MOUSE)
    shopper.page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    expect(shopper.heading).to_have_text("Your orders", timeout=PATIENCE_MS)
    order = shopper.page.get_by_role("main").get_by_role("listitem")
    expect(order).to_contain_text(re.compile("In progress|Paid|Completed"))
    order.get_by_role("link").click()
    assert shopper.is_on_the_order_page() == order_id


def test_a_declined_card_cancels_the_order_and_charges_nothing(shopper: Shopper) -> None:
    # When the bank declines
    shopper.buys(KEYBOARD, card="Declined card")
    # Then the shopper reads why, and that no money was taken
    expect(shopper.order_status).to_contain_text("cancelled", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text("Your payment was declined.")
    expect(shopper.order_status).to_contain_text("You have not been charged.", timeout=PATIENCE_MS)
    # And can try again without gathering everything anew
    shopper.page.get_by_role("button", name="Put it back in the basket").click()
    expect(shopper.page.get_by_role("main").get_by_role("listitem")).to_have_count(1)


@pytest.mark.full
def test_a_payment_whose_reply_was_lost_is_refunded(shopper: Shopper) -> None:
    shopper.buys(MOUSE, card="Lost reply")
    expect(shopper.order_status).to_contain_text("cancelled", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text(
        "Your payment has been refunded.", timeout=PATIENCE_MS
    )


def test_an_address_that_no_carrier_delivers_to_is_refunded(shopper: Shopper) -> None:
    # When the payment goes through, and the carrier says no
    shopper.buys(MOUSE, country=NOWHERE)
    # Then the shopper reads why, and that the money comes back
    expect(shopper.order_status).to_contain_text(
        "Our carrier does not deliver", timeout=PATIENCE_MS
    )
    expect(shopper.order_status).to_contain_text(
        "Your payment has been refunded.", timeout=PATIENCE_MS
    )
    expect(shopper.delivery).to_be_hidden()


def test_the_stock_is_told_in_words(shopper: Shopper, new_product: Callable[..., str]) -> None:
    shopper.opens(f"#/products/{new_product(units=3)}")
    expect(shopper.page.get_by_role("main")).to_contain_text("Only 3 left")
    shopper.opens(f"#/products/{new_product(units=300)}")
    expect(shopper.page.get_by_role("main")).to_contain_text("In stock")


@pytest.mark.full
def test_what_is_sold_out_cannot_be_put_in_the_basket(
    shopper: Shopper, new_product: Callable[..., str]
) -> None:
    shopper.opens(f"#/products/{new_product(units=0)}")
    expect(shopper.page.get_by_role("main")).to_contain_text("Sold out")
    expect(shopper.page.get_by_role("button", name="Add to basket", exact=True)).to_be_disabled()


@pytest.mark.full
def test_a_shopper_who_comes_too_late_is_told_so(
    shopper: Shopper, store: StoreClient, new_product: Callable[..., str]
) -> None:
    # Given the last unit in the shopper's basket
    sku = new_product(units=1)
    shopper.puts_in_basket(sku)
    shopper.goes_to_checkout()
    shopper.fills_in()
    # When somebody else buys it first
    store.wait_until_ended(store.place_order([Line(sku, 1)], "tok_visa"))
    shopper.places_the_order()
    # Then the order is cancelled, for that reason and at no cost
    expect(shopper.order_status).to_contain_text("cancelled", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text("don't have enough of an item")
    expect(shopper.order_status).to_contain_text("You have not been charged.", timeout=PATIENCE_MS)


def test_the_basket_merges_lines_and_survives_a_reload(shopper: Shopper) -> None:
    # Given the same product added twice, and another
    shopper.puts_in_basket(MOUSE, 2)
    shopper.puts_in_basket(MOUSE)
    shopper.puts_in_basket(KEYBOARD)
    shopper.opens("#/basket")
    # When the page is loaded anew
    shopper.reloads()
    # Then there are two lines, the first of them with three units
    expect(shopper.page.get_by_role("main").get_by_role("listitem")).to_have_count(2)
    expect(shopper.page.get_by_role("spinbutton").first).to_have_value("3")
    expect(shopper.page.locator("#basket-count")).to_contain_text("4 items")


@pytest.mark.full
def test_the_basket_warns_of_more_than_there_is(
    shopper: Shopper, new_product: Callable[..., str]
) -> None:
    shopper.puts_in_basket(new_product(units=20), quantity=21)
    shopper.opens("#/basket")
    line = shopper.page.get_by_role("main").get_by_role("listitem")
    expect(line).to_contain_text("Only 20 left")
    shopper.page.get_by_role("button", name="One less").click()
    expect(line).not_to_contain_text("left")


def test_the_basket_adds_up_what_is_changed_in_it(shopper: Shopper, store: StoreClient) -> None:
    mouse, keyboard = store.product(MOUSE), store.product(KEYBOARD)
    shopper.puts_in_basket(MOUSE)
    shopper.puts_in_basket(KEYBOARD)
    shopper.opens("#/basket")
    total = shopper.page.get_by_role("region", name="Total")
    # When one more mouse is wanted
    shopper.page.get_by_role("button", name=f"One more {mouse['name']}").click()
    # Then the total follows
    cents = 2 * mouse["price_cents"] + keyboard["price_cents"]
    expect(total).to_contain_text(f"${cents / 100:,.2f}")
    # When the keyboard is not wanted any more
    shopper.page.get_by_role("button", name=f"Remove {keyboard['name']}").click()
    # Then only the mice are left
    expect(total).to_contain_text(f"${2 * mouse['price_cents'] / 100:,.2f}")
    expect(shopper.heading).to_be_focused()
    # And an empty basket says so
    shopper.page.get_by_role("button", name=f"Remove {mouse['name']}").click()
    expect(shopper.heading).to_have_text("Your basket is empty")


def test_a_search_leaves_what_has_every_word(shopper: Shopper) -> None:
    # Given
    shopper.opens()
    cards = shopper.page.get_by_role("main").get_by_role("listitem")
    search = shopper.page.get_by_role("searchbox", name="Search products")

    # When
    search.fill("MOU")

    # Then
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("Mouse")
    expect(shopper.page.get_by_text("1 product found")).to_be_visible()
    # And what nobody sells is not there
    search.fill("mouse xyz")
    expect(cards).to_have_count(0)
    expect(shopper.page.get_by_text("Nothing found")).to_be_visible()


@pytest.mark.full
def test_a_product_that_sells_out_says_so_without_a_reload(
    shopper: Shopper, store: StoreClient, new_product: Callable[..., str]
) -> None:
    # Given
    sku = new_product(units=1)
    shopper.opens(f"#/products/{sku}")
    add = shopper.page.get_by_role("button", name="Add to basket", exact=True)
    expect(add).to_be_enabled()

    # When somebody else buys the last one
    store.wait_until_ended(store.place_order([Line(sku, 1)], "tok_visa"))

    # Then
    expect(shopper.page.get_by_text("Sold out")).to_be_visible(timeout=PATIENCE_MS)
    expect(add).to_be_disabled()
