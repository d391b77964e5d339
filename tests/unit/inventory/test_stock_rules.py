"""The pure rules of stock."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory import domain
from inventory.domain import (
    Move,
    OrderLine,
    OutOfSequence,
    Product,
    Reservation,
    ReservationStatus,
    Shelf,
    Shortage,
)
from shared.errors import OutOfStock, StepAlreadyUndone, UnknownProduct
from shared.money import Money

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ORDER_ID = "ord_01J9Z3K4M5N6P7Q8R9S0T1V2W3"

order_lines = st.lists(
    st.builds(OrderLine, sku=st.sampled_from(["a", "b", "c", "d"]), quantity=st.integers(1, 9)),
    min_size=1,
    max_size=8,
)


def a_product(sku: str, *, available: int = 10, cents: int = 1000, name: str = "Thing") -> Product:
    return Product(sku, name, "", Money(cents, "USD"), available, 0, 0, available, 1)


def a_reservation(status: ReservationStatus = ReservationStatus.RESERVED) -> Reservation:
    line = domain.ReservedLine("a", "Thing", 2, Money(1000, "USD"))
    return Reservation(ORDER_ID, status, AT, (line,))


class TestMergingLines:
    def test_lines_of_one_product_become_one_line(self) -> None:
        merged = domain.merge_lines([OrderLine("a", 1), OrderLine("b", 5), OrderLine("a", 2)])

        assert merged == (OrderLine("a", 3), OrderLine("b", 5))

    @given(order_lines)
    def test_merging_keeps_every_unit_and_names_each_product_once(
        self, lines: list[OrderLine]
    ) -> None:
        merged = domain.merge_lines(lines)

        assert len({line.sku for line in merged}) == len(merged)
        for sku in {line.sku for line in lines}:
            asked = sum(line.quantity for line in lines if line.sku == sku)
            assert asked == sum(line.quantity for line in merged if line.sku == sku)

    def test_an_order_has_at_least_one_product(self) -> None:
        with pytest.raises(ValueError, match="not 0"):
            domain.merge_lines([])

    def test_an_order_has_at_most_25_products(self) -> None:
        domain.merge_lines(OrderLine(f"sku-{number}", 1) for number in range(25))

        with pytest.raises(ValueError, match="not 26"):
            domain.merge_lines(OrderLine(f"sku-{number}", 1) for number in range(26))

    @pytest.mark.parametrize("quantity", [0, -1, True])
    def test_a_quantity_that_would_add_stock_or_nothing_is_refused(self, quantity: int) -> None:
        with pytest.raises(ValueError, match="positive"):
            OrderLine("a", quantity)


class TestDeciding:
    def test_a_reservation_has_the_catalogues_names_and_prices(self) -> None:
        products = {
            "a": a_product("a", cents=1250, name="Mouse"),
            "b": a_product("b", cents=99, name="Cable"),
        }

        reservation = domain.decide(ORDER_ID, [OrderLine("a", 2), OrderLine("b", 1)], products, AT)

        assert reservation.status is ReservationStatus.RESERVED
        assert [(line.name, line.unit_price.cents) for line in reservation.lines] == [
            ("Mouse", 1250),
            ("Cable", 99),
        ]
        assert reservation.total == Money(2599, "USD")

    def test_the_last_unit_can_be_had(self) -> None:
        reservation = domain.decide(
            ORDER_ID, [OrderLine("a", 3)], {"a": a_product("a", available=3)}, AT
        )

        assert reservation.status is ReservationStatus.RESERVED

    def test_one_short_line_refuses_the_whole_order_and_says_which(self) -> None:
        products = {"a": a_product("a"), "b": a_product("b", available=1, name="Laptop")}

        reservation = domain.decide(ORDER_ID, [OrderLine("a", 1), OrderLine("b", 2)], products, AT)

        assert reservation.status is ReservationStatus.FAILED
        assert reservation.lines == ()
        assert reservation.refusal is not None
        assert reservation.refusal.shortages == (Shortage("b", requested=2, available=1),)
        with pytest.raises(OutOfStock, match="Laptop: 2 wanted, 1 available"):
            reservation.require_stock()

    def test_an_unknown_product_is_told_apart_from_one_that_ran_out(self) -> None:
        products = {"a": a_product("a", available=0)}

        reservation = domain.decide(ORDER_ID, [OrderLine("a", 1), OrderLine("z", 2)], products, AT)

        assert reservation.refusal is not None
        assert reservation.refusal.shortages == (Shortage("z", requested=2, available=0),)
        with pytest.raises(UnknownProduct, match="No such product: z"):
            reservation.require_stock()


class TestReleasing:
    @pytest.mark.parametrize("status", [ReservationStatus.RESERVED, ReservationStatus.COMMITTED])
    def test_stock_that_an_order_has_is_given_back(self, status: ReservationStatus) -> None:
        released = domain.release(a_reservation(status), AT)

        assert (released.status, released.version) == (ReservationStatus.RELEASED, 2)

    @pytest.mark.parametrize("status", [ReservationStatus.RELEASED, ReservationStatus.FAILED])
    def test_nothing_changes_where_there_is_nothing_to_give(
        self, status: ReservationStatus
    ) -> None:
        reservation = a_reservation(status)

        assert domain.release(reservation, AT) is reservation

    def test_a_tombstone_refuses_stock(self) -> None:
        with pytest.raises(StepAlreadyUndone):
            domain.tombstone(ORDER_ID, AT).require_stock()


class TestCommitting:
    def test_reserved_stock_is_sold(self) -> None:
        assert domain.commit(a_reservation(), AT).status is ReservationStatus.COMMITTED

    def test_a_repeat_changes_nothing(self) -> None:
        committed = a_reservation(ReservationStatus.COMMITTED)

        assert domain.commit(committed, AT) is committed

    def test_released_stock_cannot_be_sold(self) -> None:
        with pytest.raises(StepAlreadyUndone):
            domain.commit(a_reservation(ReservationStatus.RELEASED), AT)

    def test_committing_a_refused_order_is_a_bug(self) -> None:
        with pytest.raises(OutOfSequence):
            domain.commit(a_reservation(ReservationStatus.FAILED), AT)


class TestMoves:
    def test_a_first_reservation_takes_units_off_the_shelf(self) -> None:
        assert domain.moves(None, a_reservation()) == (
            Move("a", 2, Shelf.AVAILABLE, Shelf.RESERVED),
        )

    @pytest.mark.parametrize(
        ("before", "after", "source", "target"),
        [
            ("RESERVED", "COMMITTED", Shelf.RESERVED, Shelf.SOLD),
            ("RESERVED", "RELEASED", Shelf.RESERVED, Shelf.AVAILABLE),
            ("COMMITTED", "RELEASED", Shelf.SOLD, Shelf.AVAILABLE),
        ],
    )
    def test_units_move_to_the_shelf_of_the_new_status(
        self, before: str, after: str, source: Shelf, target: Shelf
    ) -> None:
        was = a_reservation(ReservationStatus(before))
        becomes = a_reservation(ReservationStatus(after))

        assert domain.moves(was, becomes) == (Move("a", 2, source, target),)

    def test_a_reservation_without_lines_moves_nothing(self) -> None:
        assert domain.moves(None, domain.tombstone(ORDER_ID, AT)) == ()
