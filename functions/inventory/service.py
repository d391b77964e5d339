"""The three moves of a reservation: reserve, release, commit. Each is idempotent by order.

They read, let `domain` decide, and write in one transaction. Whatever has changed between the read
and the write refuses the transaction, so a decision is never carried out on stock that is no
longer there, nor at a price that no longer holds. All may raise StockContention and
StorageContention.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from inventory import domain
from inventory.domain import OrderLine, OutOfSequence, Product, Reservation, ReservationStatus
from inventory.events import event_of
from inventory.repository import StockChanged, StockTable
from shared.errors import StockContention
from shared.tasks import Task


def reserve(
    repository: StockTable, task: Task, lines: Iterable[OrderLine], at: datetime
) -> Reservation:
    """Sets all the lines' units aside at the catalogue's prices, or none.

    The first answer stands: a repeat gets the same reservation, or the same refusal.

    Raises OutOfStock, UnknownProduct, StepAlreadyUndone where the order's stock was released, and
    StockContention where nothing was decided and a new attempt may succeed.
    """
    wanted = domain.merge_lines(lines)
    standing, products = repository.read(task.order_id, [line.sku for line in wanted])
    if standing is None:
        standing = _reserve_first(repository, task, wanted, products, at)
    standing.require_stock()
    return standing


def release(repository: StockTable, task: Task, at: datetime) -> None:
    """Puts the order's units back on the shelf, reserved or sold; nothing where it has none.

    An order without a reservation gets a tombstone, so that a late `reserve` is refused. That moves
    no stock, so there is no StockReleased event.
    """
    before = repository.find(task.order_id)
    if before is None:
        # Where a reservation appeared meanwhile, it is what stands, and is released below.
        before = repository.create(domain.tombstone(task.order_id, at))
    after = domain.release(before, at)
    if after is not before:
        repository.update(before, after, [event_of(after, at, task)])


def commit(repository: StockTable, task: Task, at: datetime) -> None:
    """Turns the order's reserved units into sold ones.

    Raises StepAlreadyUndone where they were released, OutOfSequence where there never were any.
    """
    before = repository.find(task.order_id)
    if before is None:
        raise OutOfSequence(f"{task.order_id} has no reservation to commit")
    after = domain.commit(before, at)
    if after is not before:
        repository.update(before, after, [event_of(after, at, task)])


def _reserve_first(
    repository: StockTable,
    task: Task,
    wanted: tuple[OrderLine, ...],
    products: Mapping[str, Product],
    at: datetime,
) -> Reservation:
    """Decides an order's reservation and writes it; returns the one that then stands."""
    decided = domain.decide(task.order_id, wanted, products, at)
    try:
        return repository.create(decided, [event_of(decided, at, task)])
    except StockChanged as race:
        current = {**products, **race.products}
        present = {sku: product for sku, product in current.items() if product is not None}
        decided = domain.decide(task.order_id, wanted, present, at)
        if decided.status is ReservationStatus.RESERVED:
            # The stock would do, so it is the price or the name that changed: decide again.
            raise StockContention("the catalogue changed during the reservation") from race
        return repository.create(decided, [event_of(decided, at, task)])
