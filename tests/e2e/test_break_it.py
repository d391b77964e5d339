"""A shopper breaks an order on purpose and watches the store undo it, or cope with it."""

import re

import pytest
from playwright.sync_api import expect

from sagashop_ops.client import StoreClient
from support.accessibility import is_accessible
from support.shopper import PATIENCE_MS, Shopper

MOUSE = "product-002"
UNDONE = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")


def buys_broken(shopper: Shopper, how: str, card: str = "Visa that works") -> str:
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    shopper.fills_in(card)
    shopper.breaks_it(how)
    return shopper.places_the_order()


def test_a_commit_that_fails_is_undone_in_reverse_order(
    shopper: Shopper, store: StoreClient
) -> None:
    # When
    order_id = buys_broken(shopper, "The stock can’t be committed")
    shopper.looks_at_the_saga()

    # Then
    expect(shopper.saga_path.last).to_contain_text("OrderCancelled done", timeout=PATIENCE_MS)
    told = shopper.saga_path.all_text_contents()
    assert any("CommitStock failed: InjectedFailure" in entry for entry in told)
    undone = [name for entry in told for name in UNDONE if entry.startswith(name)]
    assert undone == list(UNDONE)
    assert store.order(order_id)["status"] == "CANCELLED"


def test_a_worker_that_is_killed_is_replaced_and_charges_once(
    shopper: Shopper, store: StoreClient
) -> None:
    # When
    order_id = buys_broken(shopper, "A worker is killed")
    shopper.looks_at_the_saga()

    # Then
    charge = shopper.saga_path.filter(has_text="ChargePayment done")
    expect(charge).to_contain_text("2 attempts", timeout=PATIENCE_MS)
    expect(shopper.saga_path.last).to_contain_text("OrderCompleted done", timeout=PATIENCE_MS)
    payment, order = store.get(f"/orders/{order_id}/payment"), store.order(order_id)
    assert payment["captured_cents"] == order["total_cents"]


@pytest.mark.full
@pytest.mark.parametrize(
    ("how", "status", "reason"),
    [
        ("A step is delivered twice", "COMPLETED", None),
        ("The card is declined", "CANCELLED", "PAYMENT_DECLINED"),
        ("The bank’s reply is lost", "CANCELLED", "INTERNAL_ERROR"),
        ("The parcel is rejected", "CANCELLED", "SHIPMENT_REJECTED"),
    ],
)
def test_every_other_way_ends_as_it_says(
    shopper: Shopper, store: StoreClient, how: str, status: str, reason: str | None
) -> None:
    order = store.wait_until_ended(buys_broken(shopper, how))

    assert (order["status"], order["reason"] and order["reason"]["code"]) == (status, reason)


def test_an_order_can_be_broken_on_its_own_page(shopper: Shopper, store: StoreClient) -> None:
    # Given an order that waits for its payment
    shopper.buys(MOUSE, card="Pay later")
    panel = shopper.page.get_by_role("region", name="Break it")

    # When
    panel.get_by_role("radio", name="The stock can’t be committed").check(timeout=PATIENCE_MS)
    panel.get_by_role("button", name="Break it").click()
    expect(shopper.page.locator("#toast")).to_contain_text("CommitStock", timeout=PATIENCE_MS)
    shopper.pays()

    # Then
    expect(shopper.order_status).to_contain_text("cancelled", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text(re.compile("refunded", re.IGNORECASE))
    expect(panel).to_be_hidden()


@pytest.mark.full
def test_outside_a_sandbox_nothing_can_be_broken(shopper: Shopper) -> None:
    shopper.is_answered("**/sandbox/failures", 200, {"failures": []})
    shopper.puts_in_basket(MOUSE)

    shopper.goes_to_checkout()

    expect(shopper.page.get_by_text("Break it")).to_have_count(0)


@pytest.mark.full
def test_axe_finds_nothing_wrong_where_an_order_is_broken(shopper: Shopper) -> None:
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    shopper.breaks_it("A step is delivered twice")

    is_accessible(shopper.page)
