"""Whatever the saga does, in whatever order: no unit is sold twice, and none gets lost."""

import contextlib
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import ORDER_ID, ORIGIN, PLACED_AT
from inventory import service
from inventory.domain import (
    OrderLine,
    OutOfSequence,
    Product,
    Reservation,
    ReservationStatus,
    Shelf,
    moves,
)
from shared.errors import BusinessError
from shared.events import DomainEvent
from shared.money import Money
from shared.tasks import Task

SKUS = ["mouse", "cable"]
SEEDED = 5
STEPS = ["reserve", "release", "commit"]

ORDERS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)
FOUR_ORDERS = st.lists(ORDERS, min_size=4, max_size=4)
STEPS_OF_ORDERS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STEPS)), max_size=24)


class StockInMemory:
    """A `StockRepository` that keeps everything in dicts, and the events in a list."""

    def __init__(self) -> None:
        self.products = {
            sku: Product(sku, sku, "", Money(100, "USD"), SEEDED, 0, 0, SEEDED, 1) for sku in SKUS
        }
        self.reservations: dict[str, Reservation] = {}
        self.events: list[DomainEvent] = []

    def read(
        self, order_id: str, skus: Iterable[str]
    ) -> tuple[Reservation | None, dict[str, Product]]:
        return self.find(order_id), {sku: self.products[sku] for sku in skus}

    def find(self, order_id: str) -> Reservation | None:
        return self.reservations.get(order_id)

    def create(self, reservation: Reservation, event: DomainEvent | None) -> Reservation:
        self._write(None, reservation, [event] if event else [])
        return reservation

    def update(self, before: Reservation, after: Reservation, event: DomainEvent) -> None:
        self._write(before, after, [event])

    def _write(
        self, before: Reservation | None, after: Reservation, events: list[DomainEvent]
    ) -> None:
        assert self.reservations.get(after.order_id) == before
        self.reservations[after.order_id] = after
        self.events += events
        for move in moves(before, after):
            product = self.products[move.sku]
            counters = {
                move.source.value: getattr(product, move.source) - move.quantity,
                move.target.value: getattr(product, move.target) + move.quantity,
            }
            self.products[move.sku] = replace(product, **counters)


@settings(max_examples=200)
@given(FOUR_ORDERS, STEPS_OF_ORDERS)
def test_stock_adds_up_after_any_steps_in_any_order(
    orders: list[dict[str, int]], steps: list[tuple[int, str]]
) -> None:
    stock = StockInMemory()

    for number, step in steps:
        task = Task(f"{ORDER_ID[:-1]}{number}", "execution", ORIGIN)
        wanted = [OrderLine(sku, quantity) for sku, quantity in orders[number].items()]
        # A step that is refused must leave the books in order, too.
        with contextlib.suppress(BusinessError, OutOfSequence):
            match step:
                case "reserve":
                    service.reserve(stock, task, wanted, PLACED_AT)
                case "release":
                    service.release(stock, task, PLACED_AT)
                case "commit":
                    service.commit(stock, task, PLACED_AT)

        for sku, product in stock.products.items():
            assert product.available + product.reserved + product.sold == SEEDED
            assert min(product.available, product.reserved, product.sold) >= 0
            assert product.reserved == units_of(stock, sku, ReservationStatus.RESERVED)
            assert product.sold == units_of(stock, sku, ReservationStatus.COMMITTED)

    told = [event.event_id for event in stock.events]
    assert len(told) == len(set(told)), "an event was told twice"


@given(st.lists(st.sampled_from(STEPS), max_size=6))
def test_a_released_order_never_gets_stock_again(later_steps: list[str]) -> None:
    stock = StockInMemory()
    task = Task(ORDER_ID, "execution", ORIGIN)
    service.reserve(stock, task, [OrderLine("mouse", 1)], PLACED_AT)
    service.release(stock, task, PLACED_AT)

    for step in later_steps:
        with contextlib.suppress(BusinessError):
            match step:
                case "reserve":
                    service.reserve(stock, task, [OrderLine("mouse", 1)], PLACED_AT)
                case "release":
                    service.release(stock, task, PLACED_AT)
                case "commit":
                    service.commit(stock, task, PLACED_AT)

    assert getattr(stock.products["mouse"], Shelf.AVAILABLE) == SEEDED


def units_of(stock: StockInMemory, sku: str, status: ReservationStatus) -> int:
    """Returns how many units of a product the reservations of a status hold."""
    return sum(
        line.quantity
        for reservation in stock.reservations.values()
        if reservation.status is status
        for line in reservation.lines
        if line.sku == sku
    )
