"""What a parked order still owes, in words."""

from typing import Any

from sagashop_ops.parked import describe


def a_parked_order(redrives: int = 0, **owed: Any) -> dict[str, Any]:
    nothing = {"refund_cents": 0, "currency": "USD", "stock_held": [], "shipment_booked": False}
    return {
        "order_id": "ord_1",
        "updated_at": "2026-03-01T09:30:00.125Z",
        "redrives": redrives,
        "parked": {
            "failure": "ShipmentRejected",
            "compensation": "RefundPayment",
            "error": "RefundUnavailable",
            "owed": nothing | owed,
        },
    }


def test_a_parked_order_tells_what_gave_up_and_what_is_owed() -> None:
    order = a_parked_order(refund_cents=129_900, stock_held=[{"sku": "product-001", "quantity": 2}])

    assert describe([order]) == [
        "ord_1  since 2026-03-01T09:30:00.125Z",
        "    RefundPayment gave up with RefundUnavailable, when undoing the order after "
        "ShipmentRejected",
        "    owed: a refund of 1,299.00 USD; stock to release: 2 x product-001",
    ]


def test_where_nobody_knows_what_was_captured_it_says_so() -> None:
    order = a_parked_order(redrives=2, refund_cents=None, shipment_booked=True)

    first, _, owed = describe([order])
    assert first.endswith("redriven 2 times")
    assert owed == (
        "    owed: a refund, if anything was captured; a shipment to cancel, if one was booked"
    )


def test_a_service_that_did_not_say_what_it_holds_is_named() -> None:
    order = a_parked_order(refund_cents=None, unanswered=["payment", "shipping"])

    assert describe([order])[-1] == (
        "    payment, shipping did not answer: this is the worst that may be"
    )


def test_an_order_whose_end_alone_failed_owes_the_last_word() -> None:
    assert describe([a_parked_order()])[-1] == "    owed: nothing but the last word"


def test_an_order_that_cannot_be_read_is_not_passed_over() -> None:
    assert describe([], ["ord_2"]) == ["ord_2  its row cannot be read: it may be parked too"]


def test_no_parked_order_is_said() -> None:
    assert describe([]) == ["No order is parked."]
