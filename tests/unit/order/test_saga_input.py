"""What a saga is told: everything, in one form, and where to go on."""

import json
from dataclasses import replace
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT, TRACE_ID, an_order
from order import domain
from order.domain import Failure, Order, Parked, Refund, Status
from order.saga_input import execution_input, execution_name

ORDER = an_order().with_item("product-001", 2)
STUCK = Parked(
    Failure("ShipmentRejected", "no such country"),
    "ReleaseStock",
    "StorageContention",
    Refund(259_800, "USD"),
    redrive=0,
)


def told(order: Order) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(execution_input(order, 900))
    return values


def test_a_new_orders_saga_is_told_all_that_its_states_may_read() -> None:
    assert told(ORDER.build()) == {
        "task": {
            "order_id": ORDER.order_id,
            "correlation_id": "cor-1",
            "trace_id": TRACE_ID,
            "execution": ORDER.order_id,
        },
        "items": [{"sku": "product-001", "quantity": 2}],
        "shipping_address": {
            "street": "1 Main St",
            "city": "Springfield",
            "state": "IL",
            "zip_code": "62701",
            "country": "US",
        },
        "payment": {"token": "tok_visa"},
        "payment_wait_seconds": 900,
        "resume_at": None,
        "failure": None,
        "refund": None,
    }


def test_the_sagas_input_is_always_the_same_text_for_an_order() -> None:
    assert execution_input(ORDER.build(), 900) == execution_input(ORDER.paid().build(), 900)


def test_an_order_that_is_paid_later_has_no_token_until_then() -> None:
    # Given
    waiting = an_order().awaiting_payment().build()

    # Then
    assert told(waiting)["payment"] == {"token": None}
    assert told(replace(waiting, payment_token="tok_visa"))["payment"] == {"token": "tok_visa"}


def test_a_parked_orders_saga_goes_on_where_it_got_stuck() -> None:
    # Given
    parked = domain.flag_for_attention(ORDER.paid().build(), STUCK, ORIGIN, PLACED_AT).order

    # When
    values = told(parked)

    # Then
    assert values["resume_at"] == "ReleaseStock"
    assert values["failure"] == {"Error": "ShipmentRejected", "Cause": "no such country"}
    assert values["refund"] == {"amount_cents": 259_800, "currency": "USD"}


def test_a_cancelled_orders_saga_that_begins_again_undoes_all_that_may_have_happened() -> None:
    # Given
    order = domain.request_cancellation(ORDER.build(), ORIGIN, PLACED_AT).order

    # When
    values = told(order)

    # Then
    assert values["resume_at"] == "CancelShipment"
    assert values["failure"] == {"Error": "CancelledByCustomer", "Cause": ""}


def test_an_order_parked_before_there_were_redrives_is_undone_as_a_whole() -> None:
    assert told(replace(ORDER.build(), status=Status.NEEDS_ATTENTION))["resume_at"] == (
        "CancelShipment"
    )


@pytest.mark.parametrize(("redrives", "suffix"), [(0, ""), (1, "-r1"), (12, "-r12")])
def test_each_redrive_is_an_execution_of_its_own(redrives: int, suffix: str) -> None:
    order = replace(ORDER.build(), redrives=redrives)

    assert execution_name(order) == f"{ORDER.order_id}{suffix}"
    assert told(order)["task"]["execution"] == execution_name(order)
