"""The order page shows which way its saga really went, as a graph and as a list."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from sagashop_ops.client import Line, StoreClient
from support.accessibility import is_accessible
from support.shopper import NOWHERE, PATIENCE_MS, Shopper

MOUSE = "product-002"
SMALLEST_PHONE = (320, 640)


def test_a_completed_order_went_straight_down(shopper: Shopper) -> None:
    # Given
    shopper.buys(MOUSE)

    # When
    shopper.looks_at_the_saga()

    # Then
    expect(shopper.saga_path.last).to_contain_text("OrderCompleted done", timeout=PATIENCE_MS)
    expect(shopper.saga_path.filter(has_text="failed")).to_have_count(0)
    for name in ("ReserveStock", "ChargePayment", "CommitStock"):
        expect(shopper.state(name)).to_have_class(re.compile("visited good"))
    expect(shopper.state("RefundPayment")).not_to_have_class(re.compile("visited"))
    expect(shopper.state("ChargePayment")).to_contain_text(re.compile(r"\d\.\d\d s"))


def test_an_order_that_is_undone_shows_the_way_back(shopper: Shopper) -> None:
    # Given
    shopper.buys(MOUSE, country=NOWHERE)

    # When
    shopper.looks_at_the_saga()

    # Then
    expect(shopper.saga_path.last).to_contain_text("OrderCancelled done", timeout=PATIENCE_MS)
    rejected = shopper.saga_path.filter(has_text="CreateShipment")
    expect(rejected).to_contain_text("failed: ShipmentRejected")
    expect(shopper.state("CreateShipment")).to_have_class(re.compile("visited bad"))
    for name in ("RefundPayment", "ReleaseStock", "CancelOrder"):
        expect(shopper.state(name)).to_have_class(re.compile("visited undo"))
        expect(shopper.saga_path.filter(has_text=name)).to_contain_text("Compensation.")
    expect(shopper.state("CancelShipment")).not_to_have_class(re.compile("visited"))


def test_a_step_that_was_tried_again_tells_how_often(shopper: Shopper) -> None:
    shopper.buys(MOUSE, card="Unreliable connection")

    shopper.looks_at_the_saga()

    charge = shopper.saga_path.filter(has_text="ChargePayment done")
    expect(charge).to_contain_text("3 attempts", timeout=PATIENCE_MS)


@pytest.mark.full
def test_an_order_that_waits_shows_where_and_since_when(
    shopper: Shopper, store: StoreClient
) -> None:
    # Given
    order_id = store.place_order([Line(MOUSE, 1)], None)
    shopper.opens(store.link(order_id))

    # When
    shopper.looks_at_the_saga()

    # Then
    waiting = shopper.state("AwaitPayment")
    expect(waiting).to_have_class(re.compile("current"), timeout=PATIENCE_MS)
    expect(waiting).to_contain_text("since")
    # And it goes on without another click
    shopper.pays()
    expect(shopper.saga_path.last).to_contain_text("OrderCompleted", timeout=PATIENCE_MS)


def test_the_choice_needs_no_mouse_and_is_remembered(shopper: Shopper) -> None:
    # Given
    page, keyboard = shopper.page, shopper.page.keyboard
    shopper.buys(MOUSE)
    expect(shopper.timeline.first).to_be_visible(timeout=PATIENCE_MS)

    # When it is chosen from the keyboard
    shopper.tabs_to(page.get_by_role("radio", name="In words"))
    keyboard.press("ArrowRight")

    # Then the graph can be scrolled from there, and takes the timeline's place
    expect(shopper.saga_path.first).to_be_visible(timeout=PATIENCE_MS)
    shopper.tabs_to(page.get_by_role("region", name="Graph"))
    expect(page.get_by_text("We received your order")).to_be_hidden()

    # And the next visit begins with it
    shopper.reloads()
    expect(shopper.saga_path.first).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.full
def test_a_graph_that_cannot_be_read_leaves_the_rest_of_the_page(shopper: Shopper) -> None:
    # Given
    shopper.buys(MOUSE)
    shopper.page.route("**/saga.json", lambda route: route.abort())

    # When
    shopper.page.get_by_role("radio", name="The saga").check()
    expect(shopper.page.get_by_text("could not be loaded")).to_be_visible(timeout=PATIENCE_MS)

    # Then
    shopper.page.get_by_role("radio", name="In words").check()
    expect(shopper.timeline.first).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.full
def test_runs_can_be_compared(shopper: Shopper, store: StoreClient) -> None:
    # Given an order that was redriven, as the shop would tell it
    order_id = store.place_order([Line(MOUSE, 1)], "tok_visa")
    store.wait_until_ended(order_id)

    def twice(route: Route) -> None:
        saga = route.fetch().json()
        (execution,) = saga["executions"]
        failed = {**execution, "name": f"{order_id}-lost", "status": "FAILED", "states": []}
        route.fulfill(json={**saga, "executions": [failed, execution]})

    shopper.page.route("**/saga", twice)
    shopper.opens(store.link(order_id))
    shopper.looks_at_the_saga()

    # When the first one is chosen
    runs = shopper.page.get_by_label("Run of the saga")
    runs.select_option(f"{order_id}-lost")

    # Then
    expect(shopper.page.get_by_text(f"Execution {order_id}-lost failed.")).to_be_visible()
    expect(shopper.saga_path).to_have_count(0)


@pytest.mark.parametrize("color_scheme", ["light", pytest.param("dark", marks=pytest.mark.full)])
def test_axe_finds_nothing_wrong_in_the_graph(
    new_shopper: Callable[..., Shopper], color_scheme: str
) -> None:
    shopper = new_shopper(color_scheme=color_scheme, reduced_motion="reduce")
    shopper.buys(MOUSE, country=NOWHERE)
    shopper.looks_at_the_saga()
    expect(shopper.saga_path.last).to_contain_text("OrderCancelled", timeout=PATIENCE_MS)

    is_accessible(shopper.page)


@pytest.mark.full
def test_the_graph_scrolls_in_its_own_box_on_a_small_phone(
    new_shopper: Callable[..., Shopper],
) -> None:
    shopper = new_shopper(viewport=SMALLEST_PHONE, has_touch=True)
    shopper.buys(MOUSE)
    shopper.looks_at_the_saga()

    width = shopper.page.evaluate("document.documentElement.scrollWidth")
    assert width <= SMALLEST_PHONE[0]
