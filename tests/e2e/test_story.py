"""The whole story of a new customer, as the project promises it."""

from collections.abc import Callable

from playwright.sync_api import expect

from support.shopper import PATIENCE_MS, Shopper

MOUSE = "product-002"
WAY_BACK = ("CancelShipment", "RefundPayment", "ReleaseStock", "CancelOrder")


def test_a_new_customer_breaks_an_order_and_nobody_else_sees_it(
    shopper: Shopper, new_shopper: Callable[..., Shopper]
) -> None:
    # Given a new customer
    shopper.opens()
    shopper.registers()

    # When they buy something, and break the order on purpose
    shopper.puts_in_basket(MOUSE)
    shopper.goes_to_checkout()
    shopper.fills_in()
    shopper.breaks_it("The stock can’t be committed")
    order_id = shopper.places_the_order()
    shopper.looks_at_the_saga()

    # Then they watch it being undone, without another click, in reverse order
    expect(shopper.saga_path.last).to_contain_text("OrderCancelled done", timeout=PATIENCE_MS)
    told = shopper.saga_path.all_text_contents()
    undone = [name for entry in told for name in WAY_BACK if entry.startswith(name)]
    assert undone == list(WAY_BACK)
    expect(shopper.order_status).to_contain_text("refunded")

    # And find it among their orders
    shopper.page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    expect(shopper.heading).to_have_text("Your orders", timeout=PATIENCE_MS)
    expect(shopper.orders).to_have_count(1)
    expect(shopper.orders).to_contain_text("Cancelled")
    shopper.orders.get_by_role("link").click()
    assert shopper.is_on_the_order_page() == order_id

    # And nobody else sees it: neither a stranger nor another customer
    stranger, customer = new_shopper(), new_shopper()
    customer.registers()
    for other in (stranger, customer):
        other.opens(f"#/orders/{order_id}")
        expect(other.heading).to_have_text("We don’t know this order", timeout=PATIENCE_MS)
        other.opens("#/orders")
        expect(other.heading).to_have_text("No orders yet")
