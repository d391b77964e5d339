"""Whatever the saga does, in whatever order: no unit is sold twice, and none gets lost."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import ORDER_ID, ORIGIN, PLACED_AT
from inventory import service
from inventory.domain import OrderLine, OutOfSequence, ReservationStatus, Shelf
from shared.errors import BusinessError
from shared.tasks import Task
from unit.inventory.fakes import FakeShelf, FakeStock

SKUS = ["mouse", "cable"]
SEEDED = 5
STEPS = ["reserve", "release", "commit"]
ORDER_IDS = [f"{ORDER_ID[:-1]}{number}" for number in range(4)]

ORDERS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 4), min_size=1)
FOUR_ORDERS = st.lists(ORDERS, min_size=4, max_size=4)
STEPS_OF_ORDERS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STEPS)), max_size=24)


def a_shop() -> FakeStock:
    """Returns an inventory with some of everything on the shelf."""
    stock = FakeStock()
    for sku in SKUS:
        FakeShelf(stock).stock(sku, SEEDED)
    return stock


@settings(max_examples=200)
@given(FOUR_ORDERS, STEPS_OF_ORDERS)
def test_stock_adds_up_after_any_steps_in_any_order(
    orders: list[dict[str, int]], steps: list[tuple[int, str]]
) -> None:
    stock = a_shop()

    for number, step in steps:
        task = Task(ORDER_IDS[number], "execution", ORIGIN)
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

        for sku, product in stock.catalogue.items():
            assert product.available + product.reserved + product.sold == SEEDED
            assert min(product.available, product.reserved, product.sold) >= 0
            assert product.reserved == units_of(stock, sku, ReservationStatus.RESERVED)
            assert product.sold == units_of(stock, sku, ReservationStatus.COMMITTED)

    told = [event.event_id for event in stock.outbox]
    assert len(told) == len(set(told)), "an event was told twice"


@given(st.lists(st.sampled_from(STEPS), max_size=6))
def test_a_released_order_never_gets_stock_again(later_steps: list[str]) -> None:
    stock = a_shop()
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

    assert getattr(stock.catalogue["mouse"], Shelf.AVAILABLE) == SEEDED


def units_of(stock: FakeStock, sku: str, status: ReservationStatus) -> int:
    """Returns how many units of a product the reservations of a status hold."""
    return sum(
        line.quantity
        for reservation in map(stock.find, ORDER_IDS)
        if reservation is not None and reservation.status is status
        for line in reservation.lines
        if line.sku == sku
    )
