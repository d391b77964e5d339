"""Orders that are paid on their page, in time or not, and orders that are called off."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from sagashop_ops.client import StoreClient
from shared import wording
from support.accessibility import is_accessible
from support.payment_window import payment_window
from support.shopper import PATIENCE_MS, Shopper

MOUSE = "product-002"
SMALLEST_PHONE = (320, 640)
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
WAITING: dict[str, Any] = {
    "order_id": "ord_1",
    "status": "AWAITING_PAYMENT",
    "items": [{"sku": MOUSE, "name": "Mouse", "quantity": 1, "unit_price_cents": 2999}],
    "total_cents": 2999,
    "currency": "USD",
    "reason": None,
    "payment_due_at": (NOW + timedelta(minutes=15)).isoformat().replace("+00:00", ".000Z"),
    "shipment": None,
    "cancel_requested": False,
}


@pytest.fixture(scope="module")
def time_to_pay(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[None]:
    """Five minutes, whatever the store's own window is: a busy machine must not run out of it."""
    with payment_window(300, stack, aws):
        yield


@pytest.fixture
def waits(shopper: Shopper) -> Callable[..., None]:
    """Opens the page of an order that is as told, at NOW by the page's clock."""

    def show(**changes: object) -> None:
        shopper.is_shown(WAITING | changes)

    shopper.page.clock.install(time=NOW)
    shopper.is_answered("**/orders/ord_1/timeline", 200, {"events": []})
    show()
    shopper.opens("#/orders/ord_1")
    return show


@pytest.mark.usefixtures("time_to_pay")
def test_an_order_is_paid_later_on_its_page(shopper: Shopper, store: StoreClient) -> None:
    # Given an order placed without a card
    order_id = shopper.buys(MOUSE, card="Pay later")
    expect(shopper.order_status).to_contain_text("waiting for your payment", timeout=PATIENCE_MS)
    expect(shopper.payment_form.get_by_role("timer")).to_contain_text("Please pay within")
    # When it is paid
    shopper.pays()
    # Then it is completed, and on its way
    expect(shopper.order_status).to_contain_text("complete", timeout=PATIENCE_MS)
    expect(shopper.payment_form).to_be_hidden()
    expect(shopper.delivery).to_contain_text(store.order(order_id)["shipment"]["tracking_number"])
    assert shopper.refusals == []


@pytest.mark.full
@pytest.mark.usefixtures("time_to_pay")
def test_a_card_declined_later_cancels_the_order(shopper: Shopper) -> None:
    shopper.buys(MOUSE, card="Pay later")
    shopper.pays(card="Declined card")
    expect(shopper.order_status).to_contain_text("Your payment was declined.", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text("You have not been charged.", timeout=PATIENCE_MS)


@pytest.mark.full
@pytest.mark.usefixtures("time_to_pay")
def test_a_waiting_order_is_cancelled_from_the_keyboard(
    shopper: Shopper, store: StoreClient, new_product: Callable[..., str]
) -> None:
    sku = new_product(units=10)
    order_id = shopper.buys(sku, card="Pay later")
    expect(shopper.payment_form).to_be_visible(timeout=PATIENCE_MS)
    page, keyboard = shopper.page, shopper.page.keyboard
    # When the shopper asks to cancel, then thinks better of it
    shopper.tabs_to(shopper.cancel_button)
    keyboard.press("Enter")
    expect(page.get_by_role("group", name="Cancel this order?")).to_be_visible()
    expect(page.get_by_role("button", name="No, keep it")).to_be_focused()
    keyboard.press("Escape")
    # Then nothing has happened, and the focus is where it was
    expect(shopper.cancel_button).to_be_focused()
    assert store.order(order_id)["status"] == "AWAITING_PAYMENT"
    # When the shopper asks again and means it
    keyboard.press("Enter")
    shopper.tabs_to(page.get_by_role("button", name="Yes, cancel it"))
    keyboard.press("Enter")
    # Then the order is cancelled at no cost, and the stock is back
    expect(shopper.order_status).to_contain_text("You cancelled this order.", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text("You have not been charged.", timeout=PATIENCE_MS)
    assert store.product(sku)["available"] == 10
    assert shopper.refusals == []


@pytest.mark.full
def test_an_order_that_is_not_paid_in_time_costs_nothing(
    shopper: Shopper,
    stack: dict[str, Any],
    aws: Callable[[str], Any],
    store: StoreClient,
    new_product: Callable[..., str],
) -> None:
    # Given a shop that waits for two seconds
    with payment_window(2, stack, aws):
        sku = new_product(units=10)
        # When nobody pays
        order_id = shopper.buys(sku, card="Pay later")
        # Then the page says so by itself
        expect(shopper.order_status).to_contain_text(
            "did not receive your payment in time", timeout=PATIENCE_MS
        )
    expect(shopper.order_status).to_contain_text("You have not been charged.")
    expect(shopper.payment_form).to_be_hidden()
    expect(shopper.cancel_button).to_be_hidden()
    assert store.order(order_id)["reason"]["code"] == "PAYMENT_EXPIRED"
    assert store.product(sku)["available"] == 10


def test_the_time_to_pay_is_counted_down(shopper: Shopper, waits: Callable[..., None]) -> None:
    timer = shopper.payment_form.get_by_role("timer")
    expect(timer).to_contain_text("Please pay within 14 min")
    # When a quarter of an hour goes by
    shopper.page.clock.fast_forward("15:00")
    # Then the page says so; whether a payment still counts is for the shop to say
    expect(timer).to_contain_text("The time to pay is up")
    # When the shop has cancelled the order
    message = wording.reason_text("PAYMENT_EXPIRED", was_charged=False)
    reason = {"code": "PAYMENT_EXPIRED", "message": message}
    waits(status="CANCELLED", reason=reason, payment_due_at=None)
    # Then there is nothing to pay any more, at once
    expect(shopper.order_status).to_contain_text(
        "did not receive your payment in time", timeout=PATIENCE_MS
    )
    expect(shopper.order_status).to_contain_text("You have not been charged.")
    expect(shopper.payment_form).to_be_hidden()


@pytest.mark.usefixtures("waits")
def test_a_payment_that_comes_too_late_is_told_so(shopper: Shopper) -> None:
    problem = {
        "title": "Conflict",
        "status": 409,
        "code": "ORDER_NOT_AWAITING_PAYMENT",
        "detail": "The time to pay is over.",
    }
    shopper.is_answered("**/orders/ord_1/payment", 409, problem)
    shopper.pays()
    alert = shopper.payment_form.get_by_role("alert")
    expect(alert).to_contain_text("The time to pay is over.", timeout=PATIENCE_MS)
    expect(alert).to_be_focused()


@pytest.mark.usefixtures("waits")
def test_a_lost_answer_to_a_payment_is_explained(shopper: Shopper) -> None:
    shopper.page.route("**/orders/ord_1/payment", lambda route: route.abort(), times=1)
    shopper.pays()
    alert = shopper.payment_form.get_by_role("alert")
    expect(alert).to_contain_text("You pay only once", timeout=PATIENCE_MS)


@pytest.mark.usefixtures("waits")
def test_an_order_that_cannot_be_cancelled_any_more_is_told_so(shopper: Shopper) -> None:
    problem = {"status": 409, "code": "ORDER_NOT_CANCELLABLE", "detail": "It is complete already."}
    shopper.is_answered("**/orders/ord_1/cancel", 409, problem)
    shopper.cancel_button.click()
    shopper.page.get_by_role("button", name="Yes, cancel it").click()
    expect(shopper.page.get_by_role("alert").filter(visible=True)).to_have_text(
        "It is complete already.", timeout=PATIENCE_MS
    )
    expect(shopper.cancel_button).to_be_focused()


@pytest.mark.full
def test_a_shopper_is_not_thrown_out_of_a_form_that_goes_away(
    shopper: Shopper, waits: Callable[..., None]
) -> None:
    # Given the focus on the card
    shopper.page.get_by_label("Card number").focus()
    # When the order is cancelled meanwhile, in another tab
    waits(cancel_requested=True)
    # Then there is nothing to pay, nor to cancel, and the focus is on the page's heading
    expect(shopper.order_status).to_contain_text("cancelling your order", timeout=PATIENCE_MS)
    expect(shopper.payment_form).to_be_hidden()
    expect(shopper.cancel_button).to_be_hidden()
    expect(shopper.heading).to_be_focused()


def test_an_order_that_is_being_undone_is_followed_to_its_end(
    shopper: Shopper, waits: Callable[..., None]
) -> None:
    # Given an order whose payment was declined
    cause = wording.cause_text("PAYMENT_DECLINED")
    reason = {"code": "PAYMENT_DECLINED", "message": cause}
    # When the shop undoes what was done for it
    waits(status="CANCELLING", reason=reason, payment_due_at=None)
    # Then the page says so and why, and there is nothing to pay, nor to cancel
    expect(shopper.order_status).to_contain_text("cancelling your order", timeout=PATIENCE_MS)
    expect(shopper.order_status).to_contain_text(cause)
    expect(shopper.payment_form).to_be_hidden()
    expect(shopper.cancel_button).to_be_hidden()
    # When everything is undone
    message = wording.reason_text("PAYMENT_DECLINED", was_charged=False)
    waits(status="CANCELLED", reason=reason | {"message": message}, payment_due_at=None)
    # Then the page says that too, by itself
    expect(shopper.order_status).to_contain_text(message, timeout=PATIENCE_MS)


@pytest.mark.full
def test_news_leaves_an_open_question_open(shopper: Shopper, waits: Callable[..., None]) -> None:
    shopper.cancel_button.click()
    # When the payment arrives while the shopper thinks about it
    waits(status="PAID", payment_due_at=None)
    expect(shopper.order_status).to_contain_text("We received your payment", timeout=PATIENCE_MS)
    # Then the question is still there, and the focus in it
    expect(shopper.page.get_by_role("button", name="No, keep it")).to_be_focused()


@pytest.mark.full
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_while_an_order_waits(
    new_shopper: Callable[..., Shopper], color_scheme: str
) -> None:
    shopper = new_shopper(color_scheme=color_scheme, reduced_motion="reduce")
    shopper.is_answered("**/orders/ord_1/timeline", 200, {"events": []})
    shopper.is_shown(WAITING)
    shopper.opens("#/orders/ord_1")
    shopper.cancel_button.click()
    is_accessible(shopper.page)
    # And once it is on its way
    shipment = {"carrier": "Parcel & Sons", "tracking_number": "PS0123456789"}
    sent = WAITING | {"status": "COMPLETED", "payment_due_at": None, "shipment": shipment}
    shopper.is_shown(sent)
    expect(shopper.delivery).to_contain_text("PS0123456789", timeout=PATIENCE_MS)
    is_accessible(shopper.page)


@pytest.mark.full
def test_a_waiting_order_fits_a_small_phone(new_shopper: Callable[..., Shopper]) -> None:
    shopper = new_shopper(viewport=SMALLEST_PHONE, has_touch=True)
    shopper.is_answered("**/orders/ord_1/timeline", 200, {"events": []})
    shopper.is_shown(WAITING)
    shopper.opens("#/orders/ord_1")
    shopper.cancel_button.click()
    width = shopper.page.evaluate("document.documentElement.scrollWidth")
    assert width <= SMALLEST_PHONE[0]
