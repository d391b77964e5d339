"""One checkout places one order, whatever happens to the button, the network or the page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from sagashop_ops.client import StoreClient
from support.shopper import PATIENCE_MS, Shopper

POST_ORDERS = "**/orders"


@pytest.fixture
def sku(shopper: Shopper, new_product: Callable[..., str]) -> str:
    """A product of which ten units exist; one is in the basket of a shopper ready to order."""
    sku = new_product(units=10)
    shopper.puts_in_basket(sku)
    shopper.goes_to_checkout()
    shopper.fills_in()
    return sku


def test_a_double_click_places_one_order(shopper: Shopper, store: StoreClient, sku: str) -> None:
    shopper.place_order_button.dblclick()
    store.wait_until_ended(shopper.is_on_the_order_page())
    assert store.product(sku)["available"] == 9
    assert len(set(shopper.idempotency_keys)) == 1


def test_a_retry_after_a_lost_answer_finds_the_order_already_placed(
    shopper: Shopper, store: StoreClient, sku: str
) -> None:
    # Given an order that reaches the shop, while its answer gets lost
    shopper.page.route(POST_ORDERS, lose_the_answer, times=1)
    shopper.place_order_button.click()
    expect(shopper.problem).to_contain_text("couldn’t reach the shop", timeout=PATIENCE_MS)
    expect(shopper.problem).to_be_focused()
    # When the shopper presses the button again
    order_id = shopper.places_the_order()
    # Then that is the order placed first: one key, one order, one unit sold
    store.wait_until_ended(order_id)
    assert shopper.idempotency_keys == [shopper.idempotency_keys[0]] * 2
    assert store.product(sku)["available"] == 9


@pytest.mark.full
def test_a_reload_keeps_the_form_and_the_key(
    shopper: Shopper, store: StoreClient, sku: str
) -> None:
    shopper.page.route(POST_ORDERS, lose_the_answer, times=1)
    shopper.place_order_button.click()
    expect(shopper.problem).to_be_visible(timeout=PATIENCE_MS)
    # When the page is loaded anew, and the order sent as it stands there with the same card
    shopper.reloads()
    shopper.chooses_card()
    store.wait_until_ended(shopper.places_the_order())
    # Then it is still the same order
    assert shopper.idempotency_keys == [shopper.idempotency_keys[0]] * 2
    assert store.product(sku)["available"] == 9


@pytest.mark.full
@pytest.mark.usefixtures("sku")
def test_a_changed_form_is_another_order(shopper: Shopper) -> None:
    shopper.page.route(POST_ORDERS, lambda route: route.abort(), times=1)
    shopper.place_order_button.click()
    expect(shopper.problem).to_be_visible(timeout=PATIENCE_MS)
    shopper.page.get_by_label("City").fill("Paris")
    shopper.places_the_order()
    assert len(set(shopper.idempotency_keys)) == 2


@pytest.mark.full
def test_the_same_basket_can_be_bought_again_later(
    shopper: Shopper, store: StoreClient, sku: str
) -> None:
    first = shopper.places_the_order()
    second = shopper.buys(sku)
    assert first != second
    for order_id in (first, second):
        store.wait_until_ended(order_id)
    assert store.product(sku)["available"] == 8


def lose_the_answer(route: Route) -> None:
    """Lets the request through and keeps its answer from the page."""
    route.fetch()
    route.abort()
