"""Reserve, release and commit: each alone, repeated, late, and in a race."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT
from inventory import service
from inventory.domain import OrderLine, OutOfSequence, ReservationStatus
from shared.dynamodb import ConditionFailed
from shared.errors import (
    OutOfStock,
    StepAlreadyUndone,
    StockContention,
    StorageContention,
    UnknownProduct,
)
from shared.money import Money
from shared.tasks import Task

TASK = Task(ORDER_ID, ORDER_ID, ORIGIN)
OTHER_TASK = Task(ORDER_ID[:-1] + "2", ORDER_ID[:-1] + "2", ORIGIN)
AT = PLACED_AT

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]


def lines(**quantities: int) -> list[OrderLine]:
    return [OrderLine(sku, quantity) for sku, quantity in quantities.items()]


def types(outbox_events: Events) -> list[str]:
    return [event_type for event_type, _ in outbox_events()]


class TestReserving:
    def test_units_are_set_aside_at_the_catalogues_prices(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10, price_cents=2500, name="Mouse")
        shelf.stock("cable", 5, price_cents=99, name="Cable")

        reservation = service.reserve(repository, TASK, lines(mouse=2, cable=5), AT)

        assert reservation.total == Money(5495, "USD")
        assert shelf.units("mouse") == (8, 2, 0)
        assert shelf.units("cable") == (0, 5, 0)
        ((event_type, event),) = outbox_events()
        assert event_type == "StockReserved"
        assert event["metadata"]["correlation_id"] == ORIGIN.correlation_id
        assert event["data"] == {
            "order_id": ORDER_ID,
            "lines": [
                {"sku": "mouse", "name": "Mouse", "quantity": 2, "unit_price_cents": 2500},
                {"sku": "cable", "name": "Cable", "quantity": 5, "unit_price_cents": 99},
            ],
            "total_cents": 5495,
            "currency": "USD",
        }

    def test_lines_of_one_product_are_one_movement_of_its_stock(self, shelf, repository):
        shelf.stock("mouse", 3)

        service.reserve(repository, TASK, [OrderLine("mouse", 1), OrderLine("mouse", 2)], AT)

        assert shelf.units("mouse") == (0, 3, 0)

    def test_a_repeat_returns_the_first_result_at_the_first_price(
        self, shelf, repository, outbox_events
    ):
        shelf.stock("mouse", 10, price_cents=2500)
        first = service.reserve(repository, TASK, lines(mouse=2), AT)
        shelf.change("mouse", price=Money(9900, "USD"))

        assert service.reserve(repository, TASK, lines(mouse=2), AT) == first
        assert shelf.units("mouse") == (8, 2, 0)
        assert types(outbox_events) == ["StockReserved"]

    def test_a_repeat_after_the_commit_returns_the_first_result_too(self, shelf, repository):
        shelf.stock("mouse", 10)
        first = service.reserve(repository, TASK, lines(mouse=2), AT)
        service.commit(repository, TASK, AT)

        assert service.reserve(repository, TASK, lines(mouse=2), AT).lines == first.lines
        assert shelf.units("mouse") == (8, 0, 2)

    def test_a_late_reservation_is_refused_after_its_release(
        self, shelf, repository, outbox_events
    ):
        shelf.stock("mouse", 10)
        service.release(repository, TASK, AT)

        with pytest.raises(StepAlreadyUndone):
            service.reserve(repository, TASK, lines(mouse=2), AT)
        assert shelf.units("mouse") == (10, 0, 0)
        assert types(outbox_events) == []


class TestRefusing:
    def test_one_missing_unit_refuses_the_whole_order(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10)
        shelf.stock("laptop", 1, name="Laptop")

        with pytest.raises(OutOfStock, match=r"^Laptop: 2 wanted, 1 available$"):
            service.reserve(repository, TASK, lines(mouse=1, laptop=2), AT)

        assert shelf.units("mouse") == (10, 0, 0)
        assert shelf.units("laptop") == (1, 0, 0)
        ((event_type, event),) = outbox_events()
        assert event_type == "StockReservationFailed"
        assert event["data"]["reason"] == "OUT_OF_STOCK"
        assert event["data"]["shortages"] == [{"sku": "laptop", "requested": 2, "available": 1}]

    def test_an_unknown_product_refuses_the_whole_order(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10)

        with pytest.raises(UnknownProduct, match=r"^No such product: unicorn$"):
            service.reserve(repository, TASK, lines(mouse=1, unicorn=1), AT)

        assert shelf.units("mouse") == (10, 0, 0)
        ((_, event),) = outbox_events()
        assert event["data"]["reason"] == "UNKNOWN_PRODUCT"
        assert event["data"]["shortages"] == [{"sku": "unicorn", "requested": 1, "available": 0}]

    def test_a_refusal_stands_even_where_stock_has_come_back(
        self, shelf, repository, outbox_events
    ):
        shelf.stock("mouse", 1, name="Mouse")
        with pytest.raises(OutOfStock):
            service.reserve(repository, TASK, lines(mouse=2), AT)
        shelf.change("mouse", available=50, seeded=50)

        with pytest.raises(OutOfStock, match=r"^Mouse: 2 wanted, 1 available$"):
            service.reserve(repository, TASK, lines(mouse=2), AT)

        assert shelf.units("mouse") == (50, 0, 0)
        assert types(outbox_events) == ["StockReservationFailed"]

    def test_releasing_a_refused_order_changes_nothing(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 1)
        with pytest.raises(OutOfStock):
            service.reserve(repository, TASK, lines(mouse=2), AT)

        service.release(repository, TASK, AT)

        assert shelf.units("mouse") == (1, 0, 0)
        assert repository.find(ORDER_ID).status is ReservationStatus.FAILED
        assert types(outbox_events) == ["StockReservationFailed"]


class TestRacing:
    """Something happens between a step's read and its write."""

    def test_units_sold_meanwhile_are_out_of_stock(self, shelf, interrupted, outbox_events):
        shelf.stock("mouse", 2, name="Mouse")
        racing = interrupted(lambda: shelf.change("mouse", available=1, sold=1))

        with pytest.raises(OutOfStock, match=r"^Mouse: 2 wanted, 1 available$"):
            service.reserve(racing, TASK, lines(mouse=2), AT)

        assert shelf.units("mouse") == (1, 0, 1)
        assert types(outbox_events) == ["StockReservationFailed"]

    def test_a_product_gone_meanwhile_is_unknown(self, shelf, interrupted):
        shelf.stock("mouse", 2)
        shelf.stock("cable", 2)
        racing = interrupted(lambda: shelf.discontinue("mouse"))

        with pytest.raises(UnknownProduct, match="mouse"):
            service.reserve(racing, TASK, lines(cable=1, mouse=1), AT)

        assert shelf.units("cable") == (2, 0, 0)

    @pytest.mark.parametrize(
        "change", [{"price": Money(9900, "USD")}, {"name": "New"}, {"price": Money(1000, "EUR")}]
    )
    def test_a_price_changed_meanwhile_is_contention_and_decides_nothing(
        self, shelf, interrupted, repository, outbox_events, change
    ):
        shelf.stock("mouse", 2)
        racing = interrupted(lambda: shelf.change("mouse", **change))

        with pytest.raises(StockContention):
            service.reserve(racing, TASK, lines(mouse=1), AT)
        assert types(outbox_events) == []

        # The next attempt finds the new state, and reserves at it.
        reservation = service.reserve(repository, TASK, lines(mouse=1), AT)
        (line,) = reservation.lines
        assert change.items() <= {"price": line.unit_price, "name": line.name}.items()

    def test_a_buyer_who_leaves_enough_units_is_no_contention(self, shelf, interrupted, repository):
        shelf.stock("mouse", 2)
        racing = interrupted(lambda: service.reserve(repository, OTHER_TASK, lines(mouse=1), AT))

        service.reserve(racing, TASK, lines(mouse=1), AT)

        assert shelf.units("mouse") == (0, 2, 0)

    def test_two_deliveries_of_one_reservation_are_one(
        self, shelf, interrupted, repository, outbox_events
    ):
        shelf.stock("mouse", 10)
        racing = interrupted(lambda: service.reserve(repository, TASK, lines(mouse=2), AT))

        reservation = service.reserve(racing, TASK, lines(mouse=2), AT)

        assert reservation == repository.find(ORDER_ID)
        assert shelf.units("mouse") == (8, 2, 0)
        assert types(outbox_events) == ["StockReserved"]

    def test_a_release_that_overtakes_the_reservation_wins(self, shelf, interrupted, repository):
        shelf.stock("mouse", 10)
        racing = interrupted(lambda: service.release(repository, TASK, AT))

        with pytest.raises(StepAlreadyUndone):
            service.reserve(racing, TASK, lines(mouse=2), AT)

        assert shelf.units("mouse") == (10, 0, 0)

    def test_a_reservation_that_overtakes_its_tombstone_is_released(
        self, shelf, repository, outbox_events
    ):
        # Given a release that found no reservation ...
        shelf.stock("mouse", 10)

        class LateReader:
            def find(self, order_id: str) -> None:
                # ... because it appeared just after the look.
                service.reserve(repository, TASK, lines(mouse=2), AT)

            create = staticmethod(repository.create)
            update = staticmethod(repository.update)

        # When it goes on to leave its tombstone
        service.release(LateReader(), TASK, AT)

        # Then it meets the reservation and undoes it.
        assert shelf.units("mouse") == (10, 0, 0)
        assert types(outbox_events) == ["StockReleased", "StockReserved"]

    @pytest.mark.parametrize("step", [service.release, service.commit])
    def test_a_step_that_meets_another_is_retried(self, shelf, interrupted, repository, step):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)
        racing = interrupted(lambda: service.release(repository, TASK, AT))

        with pytest.raises(StorageContention):
            step(racing, TASK, AT)

        assert shelf.units("mouse") == (10, 0, 0)


class TestReleasing:
    def test_reserved_units_go_back_on_the_shelf(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)

        service.release(repository, TASK, datetime(2026, 3, 1, 10, tzinfo=UTC))

        assert shelf.units("mouse") == (10, 0, 0)
        event_type, event = outbox_events()[-1]
        assert event_type == "StockReleased"
        assert event["data"] == {
            "order_id": ORDER_ID,
            "items": [{"sku": "mouse", "quantity": 2}],
        }

    def test_sold_units_go_back_on_the_shelf(self, shelf, repository):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)
        service.commit(repository, TASK, AT)

        service.release(repository, TASK, AT)

        assert shelf.units("mouse") == (10, 0, 0)

    def test_a_repeat_changes_nothing(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)

        service.release(repository, TASK, AT)
        service.release(repository, TASK, AT)

        assert shelf.units("mouse") == (10, 0, 0)
        assert sorted(types(outbox_events)) == ["StockReleased", "StockReserved"]

    def test_an_order_without_a_reservation_gets_a_tombstone_and_no_event(
        self, repository, outbox_events
    ):
        service.release(repository, TASK, AT)
        service.release(repository, TASK, AT)

        tombstone = repository.find(ORDER_ID)
        assert tombstone is not None
        assert (tombstone.status, tombstone.lines) == (ReservationStatus.RELEASED, ())
        assert types(outbox_events) == []


class TestCommitting:
    def test_reserved_units_are_sold(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)

        service.commit(repository, TASK, datetime(2026, 3, 1, 10, tzinfo=UTC))

        assert shelf.units("mouse") == (8, 0, 2)
        event_type, event = outbox_events()[-1]
        assert event_type == "StockCommitted"
        assert event["data"]["items"] == [{"sku": "mouse", "quantity": 2}]

    def test_a_repeat_changes_nothing(self, shelf, repository, outbox_events):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)

        service.commit(repository, TASK, AT)
        service.commit(repository, TASK, AT)

        assert shelf.units("mouse") == (8, 0, 2)
        assert sorted(types(outbox_events)) == ["StockCommitted", "StockReserved"]

    def test_a_late_commit_is_refused_after_the_release(self, shelf, repository):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)
        service.release(repository, TASK, AT)

        with pytest.raises(StepAlreadyUndone):
            service.commit(repository, TASK, AT)
        assert shelf.units("mouse") == (10, 0, 0)

    def test_committing_what_was_never_reserved_is_a_bug(self, repository):
        with pytest.raises(OutOfSequence):
            service.commit(repository, TASK, AT)

    def test_a_shelf_that_lacks_the_reserved_units_surfaces_as_a_bug(self, shelf, repository):
        shelf.stock("mouse", 10)
        service.reserve(repository, TASK, lines(mouse=2), AT)
        shelf.change("mouse", reserved=1)

        with pytest.raises(ConditionFailed):
            service.commit(repository, TASK, AT)
