"""The pure rules of a shipment."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import ORDER_ID, PLACED_AT
from shared.errors import ShipmentRejected, StepAlreadyUndone
from shipping import domain, views
from shipping.domain import Address, Booking, Shipment, ShipmentStatus

ADDRESS = Address("1 Main St", "Springfield", "IL", "62701", "US")
LATER = PLACED_AT + timedelta(seconds=2)
BOOKING = Booking("Saga Parcel", "SP0123456789AB", PLACED_AT)


def a_shipment(status: ShipmentStatus = ShipmentStatus.PENDING) -> Shipment:
    return replace(domain.begin(ORDER_ID, ADDRESS, PLACED_AT), status=status)


def test_an_orders_shipment_always_has_the_same_id() -> None:
    assert domain.begin(ORDER_ID, ADDRESS, LATER).shipment_id == a_shipment().shipment_id
    assert domain.tombstone(ORDER_ID, LATER).shipment_id == a_shipment().shipment_id


def test_a_pending_shipment_is_still_open() -> None:
    assert domain.first_answer(a_shipment()) is None


def test_a_created_shipment_is_the_answer_to_a_repeat() -> None:
    created = domain.create(a_shipment(), BOOKING, LATER)

    assert domain.first_answer(created) is created
    assert created.booking == BOOKING
    assert (created.version, created.created_at, created.updated_at) == (2, PLACED_AT, LATER)


def test_a_rejected_shipment_is_rejected_again_for_the_same_reason() -> None:
    rejected = domain.reject(a_shipment(), "too far", LATER)

    with pytest.raises(ShipmentRejected, match=r"^too far$"):
        domain.first_answer(rejected)


@pytest.mark.parametrize(
    "off",
    [
        domain.tombstone(ORDER_ID, PLACED_AT),
        domain.cancel(a_shipment(), None, LATER),
        domain.cancel(domain.create(a_shipment(), BOOKING, LATER), BOOKING, LATER),
    ],
    ids=["tombstone", "never booked", "booked"],
)
def test_a_shipment_that_was_called_off_is_not_booked(off: Shipment) -> None:
    with pytest.raises(StepAlreadyUndone):
        domain.first_answer(off)


def test_a_shipment_that_the_carrier_took_is_not_off_without_the_carrier() -> None:
    with pytest.raises(ValueError, match="knows nothing"):
        domain.cancel(domain.create(a_shipment(), BOOKING, LATER), None, LATER)


@pytest.mark.parametrize(
    ("status", "is_off"),
    [
        (ShipmentStatus.PENDING, False),
        (ShipmentStatus.CREATED, False),
        (ShipmentStatus.REJECTED, True),
        (ShipmentStatus.CANCELLED, True),
    ],
)
def test_what_is_left_to_call_off_follows_from_the_status(
    status: ShipmentStatus, is_off: bool
) -> None:
    assert a_shipment(status).is_off is is_off


@pytest.mark.parametrize(
    ("status", "booked"),
    [
        (ShipmentStatus.PENDING, None),
        (ShipmentStatus.CREATED, True),
        (ShipmentStatus.REJECTED, False),
        (ShipmentStatus.CANCELLED, False),
    ],
)
def test_every_status_says_whether_a_parcel_is_booked(status, booked) -> None:
    assert views.owed_view(a_shipment(status)) == {"shipment_booked": booked}
