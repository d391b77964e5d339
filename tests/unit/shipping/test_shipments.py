"""Booking and calling off with the simulated carrier: alone, repeated, late, and in a race."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT
from shared.chaos import Chaos, Failures
from shared.errors import (
    CarrierUnavailable,
    ShipmentRejected,
    StepAlreadyUndone,
    StorageContention,
)
from shared.tasks import Task
from shipping import service
from shipping.carrier import Rejection
from shipping.domain import Address, Item, ShipmentStatus

# Of a redriven order: what counts is the order, not the execution.
TASK = Task(ORDER_ID, f"{ORDER_ID}-r1", ORIGIN)
ADDRESS = Address("1 Main St", "Springfield", "IL", "62701", "US")
NOWHERE = replace(ADDRESS, country="XX")
ITEMS = (Item("product-001", 2), Item("product-002", 1))
LATER = PLACED_AT + timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("frozen_clock")

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]


def create(repository, carrier, address=ADDRESS):
    return service.create(repository, carrier, TASK, address, ITEMS, PLACED_AT)


def cancel(repository, carrier):
    return service.cancel(repository, carrier, TASK, LATER)


def fail() -> None:
    raise StorageContention


def types(outbox_events: Events) -> list[str]:
    return [event_type for event_type, _ in outbox_events()]


class TestCreating:
    def test_the_parcel_is_booked_and_told_once(self, repository, carrier, book, outbox_events):
        shipment = create(repository, carrier)

        assert shipment.status is ShipmentStatus.CREATED
        assert repository.find(ORDER_ID) == shipment
        assert book.row()["parcel"] == [
            {"sku": "product-001", "quantity": 2},
            {"sku": "product-002", "quantity": 1},
        ]
        ((event_type, event),) = outbox_events()
        assert event_type == "ShipmentCreated"
        assert event["metadata"]["correlation_id"] == ORIGIN.correlation_id
        assert event["data"] == {
            "order_id": ORDER_ID,
            "shipment_id": shipment.shipment_id,
            "carrier": book.row()["carrier"],
            "tracking_number": book.row()["tracking_number"],
        }

    def test_a_repeat_returns_the_first_result(self, repository, carrier, outbox_events):
        first = create(repository, carrier)

        assert create(repository, carrier) == first
        assert create(repository, carrier, NOWHERE) == first
        assert types(outbox_events) == ["ShipmentCreated"]

    def test_a_rejection_is_told_once_and_stands(self, repository, carrier, book, outbox_events):
        for address in (NOWHERE, NOWHERE, ADDRESS):
            with pytest.raises(ShipmentRejected, match=r"^nobody delivers to XX$"):
                create(repository, carrier, address)

        assert book.status() == "REJECTED"
        ((event_type, event),) = outbox_events()
        assert event_type == "ShipmentRejected"
        assert event["data"] == {"order_id": ORDER_ID, "reason": "nobody delivers to XX"}

    def test_a_carrier_that_was_away_is_asked_again(
        self, repository, carrier, injected, outbox_events
    ):
        injected.chaos = Chaos(shipping=Failures(error_rate=1))
        with pytest.raises(CarrierUnavailable):
            create(repository, carrier)
        assert repository.find(ORDER_ID).status is ShipmentStatus.PENDING

        injected.chaos = Chaos()
        assert create(repository, carrier).status is ShipmentStatus.CREATED
        assert types(outbox_events) == ["ShipmentCreated"]

    def test_a_worker_killed_before_it_noted_the_booking_books_once(
        self, repository, carrier, interrupted, book, outbox_events
    ):
        with pytest.raises(StorageContention):
            create(interrupted(fail), carrier)
        booked = book.row()

        shipment = create(repository, carrier)

        assert shipment.booking.tracking_number == booked["tracking_number"]
        assert book.row() == booked
        assert types(outbox_events) == ["ShipmentCreated"]

    def test_two_workers_that_create_at_once_book_and_tell_once(
        self, repository, carrier, interrupted, outbox_events
    ):
        racing = interrupted(lambda: create(repository, carrier))

        with pytest.raises(StorageContention):
            create(racing, carrier)

        assert create(repository, carrier).status is ShipmentStatus.CREATED
        assert types(outbox_events) == ["ShipmentCreated"]


class TestCancelling:
    def test_the_booking_is_called_off_and_told_once(
        self, repository, carrier, book, outbox_events
    ):
        created = create(repository, carrier)

        shipment = cancel(repository, carrier)
        assert cancel(repository, carrier) == shipment

        assert shipment.status is ShipmentStatus.CANCELLED
        assert shipment.booking == created.booking
        assert book.status() == "CANCELLED"
        assert types(outbox_events) == ["ShipmentCreated", "ShipmentCancelled"]
        _, event = outbox_events()[-1]
        assert event["data"] == {
            "order_id": ORDER_ID,
            "shipment_id": shipment.shipment_id,
            "carrier": created.booking.carrier,
            "tracking_number": created.booking.tracking_number,
        }

    def test_a_booking_that_was_never_heard_of_is_called_off(
        self, repository, carrier, interrupted, book, outbox_events
    ):
        with pytest.raises(StorageContention):
            create(interrupted(fail), carrier)
        assert (book.status(), types(outbox_events)) == ("BOOKED", [])

        assert cancel(repository, carrier).status is ShipmentStatus.CANCELLED

        assert book.status() == "CANCELLED"
        # Nobody is told of a parcel called off without being told that it was taken, and when.
        assert types(outbox_events) == ["ShipmentCreated", "ShipmentCancelled"]
        _, created = outbox_events()[0]
        assert created["metadata"]["occurred_at"] == book.row()["booked_at"]

    def test_a_rejected_shipment_needs_no_cancelling(self, repository, carrier, outbox_events):
        with pytest.raises(ShipmentRejected):
            create(repository, carrier, NOWHERE)

        assert cancel(repository, carrier).status is ShipmentStatus.REJECTED
        assert types(outbox_events) == ["ShipmentRejected"]

    def test_a_rejection_that_was_never_noted_is_off_all_the_same(
        self, repository, carrier, interrupted, book, outbox_events
    ):
        with pytest.raises(StorageContention):
            create(interrupted(fail), carrier, NOWHERE)

        assert cancel(repository, carrier).status is ShipmentStatus.CANCELLED
        assert (book.status(), types(outbox_events)) == ("REJECTED", [])

    def test_a_carrier_that_is_away_leaves_the_shipment_to_the_next_attempt(
        self, repository, carrier, injected, book
    ):
        create(repository, carrier)
        injected.chaos = Chaos(shipping=Failures(error_rate=1))
        with pytest.raises(CarrierUnavailable):
            cancel(repository, carrier)
        assert repository.find(ORDER_ID).status is ShipmentStatus.CREATED

        injected.chaos = Chaos()
        cancel(repository, carrier)
        assert book.status() == "CANCELLED"

    def test_a_worker_killed_before_it_noted_the_cancelling_tells_of_it_once(
        self, repository, carrier, interrupted, book, outbox_events
    ):
        create(repository, carrier)
        with pytest.raises(StorageContention):
            cancel(interrupted(fail), carrier)
        assert book.status() == "CANCELLED"

        assert cancel(repository, carrier).status is ShipmentStatus.CANCELLED
        assert types(outbox_events) == ["ShipmentCreated", "ShipmentCancelled"]

    def test_a_carrier_that_forgot_a_booking_surfaces_as_a_bug(self, repository, carrier, book):
        create(repository, carrier)
        book.forget()

        with pytest.raises(ValueError, match="knows nothing"):
            cancel(repository, carrier)


class TestLateBookings:
    """A booking that arrives, or goes on, after it was called off."""

    def test_a_booking_that_comes_after_its_cancelling_is_never_made(
        self, repository, carrier, book, outbox_events
    ):
        tombstone = cancel(repository, carrier)
        assert cancel(repository, carrier) == tombstone
        assert (tombstone.status, tombstone.address) == (ShipmentStatus.CANCELLED, None)

        with pytest.raises(StepAlreadyUndone):
            create(repository, carrier)

        assert repository.find(ORDER_ID) == tombstone
        assert (book.row(), types(outbox_events)) == ({}, [])

    def test_a_booking_repeated_after_its_cancelling_is_not_made_again(
        self, repository, carrier, book, outbox_events
    ):
        create(repository, carrier)
        cancelled = cancel(repository, carrier)

        with pytest.raises(StepAlreadyUndone):
            create(repository, carrier)

        assert repository.find(ORDER_ID) == cancelled
        assert book.status() == "CANCELLED"
        assert types(outbox_events) == ["ShipmentCreated", "ShipmentCancelled"]

    def test_a_booking_still_on_its_way_to_the_carrier_is_refused_there(
        self, repository, carrier, book, outbox_events
    ):
        # Given a booking that has announced itself and is about to ask the carrier
        class Slow:
            def book(self, *arguments: Any) -> Any:
                # When it is called off from end to end before it gets there
                assert cancel(repository, carrier).status is ShipmentStatus.CANCELLED
                return carrier.book(*arguments)

        # Then nothing is booked.
        with pytest.raises(StepAlreadyUndone):
            create(repository, Slow())
        assert (book.status(), book.row().get("booked_at")) == ("CANCELLED", None)
        assert types(outbox_events) == []

    def test_a_booking_called_off_before_it_was_noted_stays_off(
        self, repository, carrier, interrupted, book, outbox_events
    ):
        racing = interrupted(lambda: cancel(repository, carrier))

        with pytest.raises(StorageContention):
            create(racing, carrier)

        with pytest.raises(StepAlreadyUndone):
            create(repository, carrier)
        assert book.status() == "CANCELLED"
        assert repository.find(ORDER_ID).status is ShipmentStatus.CANCELLED
        assert types(outbox_events) == ["ShipmentCreated", "ShipmentCancelled"]

    def test_a_booking_noted_while_it_is_called_off_is_called_off_by_the_next_attempt(
        self, repository, carrier, interrupted, book, outbox_events
    ):
        # Given a booking whose worker was slow to note it
        with pytest.raises(StorageContention):
            create(interrupted(fail), carrier)

        # When a cancel has read the shipment, and the repeated booking notes it first
        class Overtaken:
            def cancel(self, key: str) -> Any:
                create(repository, carrier)
                return carrier.cancel(key)

        with pytest.raises(StorageContention):
            cancel(repository, Overtaken())

        # Then the next attempt finishes it.
        assert cancel(repository, carrier).status is ShipmentStatus.CANCELLED
        assert book.status() == "CANCELLED"
        assert types(outbox_events) == ["ShipmentCreated", "ShipmentCancelled"]

    def test_a_booking_that_begins_while_the_tombstone_is_left_is_called_off(
        self, repository, carrier, book
    ):
        class LateReader:
            def find(self, order_id: str) -> None:
                create(repository, carrier)

            create = staticmethod(repository.create)
            update = staticmethod(repository.update)

        assert cancel(LateReader(), carrier).status is ShipmentStatus.CANCELLED
        assert book.status() == "CANCELLED"


class TestChaosAtTheCarrier:
    def test_what_was_refused_stays_refused_when_the_chaos_is_over(self, carrier, injected):
        injected.chaos = Chaos(shipping=Failures(failure_rate=1))
        refused = Rejection("refused by failure injection")
        assert carrier.book(ORDER_ID, ADDRESS, ITEMS) == refused

        injected.chaos = Chaos()
        assert carrier.book(ORDER_ID, ADDRESS, ITEMS) == refused

    def test_what_was_booked_stays_booked_when_the_chaos_begins(self, carrier, injected):
        booking = carrier.book(ORDER_ID, ADDRESS, ITEMS)

        injected.chaos = Chaos(shipping=Failures(failure_rate=1))
        assert carrier.book(ORDER_ID, ADDRESS, ITEMS) == booking

    def test_a_refusal_does_not_stand_in_the_way_of_cancelling(self, carrier, injected, book):
        carrier.book(ORDER_ID, ADDRESS, ITEMS)

        injected.chaos = Chaos(shipping=Failures(failure_rate=1))
        carrier.cancel(ORDER_ID)
        assert book.status() == "CANCELLED"

    def test_every_request_takes_longer(self, carrier, injected):
        injected.chaos = Chaos(shipping=Failures(delay_seconds=1.5))

        carrier.book(ORDER_ID, ADDRESS, ITEMS)
        carrier.cancel(ORDER_ID)

        assert injected.naps == [1.5, 1.5]

    def test_a_request_that_was_not_taken_leaves_no_trace(self, carrier, injected, book):
        injected.chaos = Chaos(shipping=Failures(error_rate=1))

        with pytest.raises(CarrierUnavailable):
            carrier.book(ORDER_ID, ADDRESS, ITEMS)
        with pytest.raises(CarrierUnavailable):
            carrier.cancel(ORDER_ID)
        assert book.row() == {}

    def test_a_busy_book_is_a_carrier_that_is_away(self, carrier, book, monkeypatch):
        def busy(*_: object) -> None:
            raise StorageContention

        monkeypatch.setattr(book, "write", busy)

        with pytest.raises(CarrierUnavailable):
            carrier.book(ORDER_ID, ADDRESS, ITEMS)
        with pytest.raises(CarrierUnavailable):
            carrier.cancel(ORDER_ID)


class TestEveryCallOfTheCarrierHasARow:
    def test_a_parcel_is_recorded_with_the_call_that_booked_it(self, carrier, book):
        carrier.book(ORDER_ID, ADDRESS, ITEMS)
        carrier.cancel(ORDER_ID)

        parcel = [{"sku": item.sku, "quantity": item.quantity} for item in ITEMS]
        assert book.calls == [
            ("book", "BOOKED", {"parcel": parcel}),
            ("cancel", "CANCELLED", {"parcel": []}),
        ]

    def test_a_repeat_is_recorded_and_books_nothing(self, carrier, book):
        for _ in range(2):
            carrier.book(ORDER_ID, ADDRESS, ITEMS)
        for _ in range(2):
            carrier.cancel(ORDER_ID)

        assert [(name, outcome) for name, outcome, effect in book.calls if effect is None] == [
            ("book", "REPEATED"),
            ("cancel", "REPEATED"),
        ]

    def test_a_failure_that_is_injected_is_recorded(self, carrier, injected, book):
        injected.chaos = Chaos(shipping=Failures(error_rate=1))

        with pytest.raises(CarrierUnavailable):
            carrier.book(ORDER_ID, ADDRESS, ITEMS)
        assert book.calls == [("book", "UNAVAILABLE", None)]
