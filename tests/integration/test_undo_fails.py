"""An undo fails as well: the refund of a paid order keeps failing until the retries are used up."""

from collections.abc import Callable

import pytest

from sagashop_ops.audit import Books, audit
from sagashop_ops.client import Json
from support.bus import BusListener
from support.outage import PaidInVain
from support.saga import Saga


@pytest.fixture(scope="module")
def order(paid_in_vain: PaidInVain, saga: Saga) -> Json:
    """The order, parked."""
    return saga.wait_until_ended(paid_in_vain.unrefundable)


def test_the_order_says_that_it_needs_attention(order: Json) -> None:
    assert order["status"] == "NEEDS_ATTENTION"
    assert order["reason"]["code"] == "INTERNAL_ERROR"
    assert order["reason"]["message"]


def test_its_execution_fails_so_that_it_can_be_redriven(order: Json, saga: Saga) -> None:
    execution = saga.execution(order["order_id"])

    assert (execution["status"], execution["error"]) == ("FAILED", "NeedsAttention")


def test_nothing_pretends_to_be_undone(
    order: Json, books: Callable[[], Books], paid_in_vain: PaidInVain
) -> None:
    now = books()

    assert now.charges[order["order_id"]]["refunded_cents"] == 0
    assert now.reservations[order["order_id"]]["status"] == "RESERVED"
    product = now.products[paid_in_vain.sku]
    assert product["reserved"] == paid_in_vain.wanted
    assert product["available"] == paid_in_vain.units - paid_in_vain.wanted


def test_the_audit_counts_what_is_owed(
    order: Json, books: Callable[[], Books], paid_in_vain: PaidInVain
) -> None:
    report = audit(books())

    assert report.owed_cents >= paid_in_vain.owed_cents
    assert report.orders_by_status["NEEDS_ATTENTION"] >= 1


def test_the_world_hears_what_is_owed(
    order: Json, bus: BusListener, paid_in_vain: PaidInVain
) -> None:
    events = bus.wait_for(order["order_id"], ["OrderNeedsAttention"])

    (event,) = (event for event in events if event["detail-type"] == "OrderNeedsAttention")
    data = event["detail"]["data"]
    assert data["compensation"] == "RefundPayment"
    assert data["error"] == "RefundUnavailable"
    assert data["owed"] == {
        "refund_cents": paid_in_vain.owed_cents,
        "currency": "USD",
        "stock_held": [{"sku": paid_in_vain.sku, "quantity": paid_in_vain.wanted}],
        "shipment_booked": False,
        "unanswered": [],
    }
