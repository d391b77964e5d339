"""What a saga is told: everything, in one form, and where to go on."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT, TRACE_ID, OrderBuilder, an_order
from order import domain
from order.domain import Order, Status
from order.redrive import count_redrive
from order.saga_input import execution_input

ORDER = an_order().with_item("product-001", 2)


def told(order: Order, at: datetime = PLACED_AT) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(execution_input(order, 900, at))
    return values


def test_a_new_orders_saga_is_told_all_that_its_states_may_read() -> None:
    assert told(ORDER.build()) == {
        "task": {
            "order_id": ORDER.order_id,
            "correlation_id": "cor-1",
            "trace_id": TRACE_ID,
            "execution": ORDER.order_id,
            "sequence": 1,
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
        "failure": None,
    }


def test_the_sagas_input_is_always_the_same_text_for_an_order() -> None:
    assert told(ORDER.build()) == told(ORDER.paid().build(), PLACED_AT + timedelta(hours=1))


def test_an_order_that_is_paid_later_has_no_token_until_then() -> None:
    # Given
    waiting = an_order().awaiting_payment().build()

    # Then
    assert told(waiting)["payment"] == {"token": None}
    assert told(replace(waiting, payment_token="tok_visa"))["payment"] == {"token": "tok_visa"}


@pytest.mark.parametrize(
    "order", [ORDER.paid().cancelling("ShipmentRejected"), ORDER.paid().parked("ReleaseStock")]
)
def test_the_saga_of_an_order_that_turned_back_is_told_why_and_undoes_it(
    order: OrderBuilder,
) -> None:
    # When
    turned = order.build()

    # Then
    assert turned.failure is not None
    assert told(turned)["failure"] == {"Error": turned.failure.error, "Cause": ""}
    assert domain.resumes_at(turned) == "CancelShipment"


@pytest.mark.parametrize(("minutes", "left"), [(5, 600), (15, 1), (60, 1)])
def test_a_saga_that_starts_during_the_payment_window_waits_for_the_rest_of_it(
    minutes: int, left: int
) -> None:
    # Given
    waiting = an_order().awaiting_payment().build()

    # Then
    at = PLACED_AT + timedelta(minutes=minutes)
    assert told(waiting, at)["payment_wait_seconds"] == left


def test_a_cancelled_orders_saga_that_begins_again_undoes_all_that_may_have_happened() -> None:
    # Given
    order = domain.request_cancellation(ORDER.build(), ORIGIN, PLACED_AT).order

    # When
    values = told(order)

    # Then
    assert values["failure"] == {"Error": "CancelledByCustomer", "Cause": ""}


def test_an_order_parked_by_the_first_release_is_undone_as_a_whole() -> None:
    # Given
    parked = replace(ORDER.build(), status=Status.NEEDS_ATTENTION)

    # When
    redriven = count_redrive(parked, "ada", "Fixed.", ORIGIN, PLACED_AT).order

    # Then
    assert told(redriven)["failure"]["Error"] == "SagaLost"


def test_a_saga_is_told_which_execution_it_is() -> None:
    order = replace(ORDER.build(), redrives=2)

    assert told(order)["task"]["execution"] == f"{ORDER.order_id}-r2"
