"""The rules of stock: what an order may reserve, and on which shelf its units are.

Every unit of a product is on one of three shelves: available, reserved or sold. A reservation
only moves units from one shelf to another, never makes or removes any, so available + reserved +
sold stays what was seeded. Nothing here does I/O or knows of AWS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.errors import BusinessError, OutOfStock, StepAlreadyUndone, UnknownProduct
from shared.money import Money

MAX_SKUS = 25
"""Different products in one reservation, far within the 100 writes that a transaction may have."""


class Shelf(StrEnum):
    """Where a unit is; the value is the name of the product row's counter."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SOLD = "sold"


class ReservationStatus(StrEnum):
    """What became of an order's reservation; RELEASED and FAILED are final."""

    RESERVED = "RESERVED"
    COMMITTED = "COMMITTED"
    RELEASED = "RELEASED"
    FAILED = "FAILED"


_SHELF_OF = {
    ReservationStatus.RESERVED: Shelf.RESERVED,
    ReservationStatus.COMMITTED: Shelf.SOLD,
    ReservationStatus.RELEASED: Shelf.AVAILABLE,
}

_REFUSALS: Mapping[str, type[BusinessError]] = {
    "OUT_OF_STOCK": OutOfStock,
    "UNKNOWN_PRODUCT": UnknownProduct,
}


class OutOfSequence(Exception):
    """A step came that the state machine cannot have sent at this point: a bug, not an answer."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue with its stock in units; `version` counts the row's changes."""

    sku: str
    name: str
    description: str
    price: Money
    available: int
    reserved: int
    sold: int
    seeded: int
    version: int


@dataclass(frozen=True, slots=True)
class OrderLine:
    sku: str
    quantity: int

    def __post_init__(self) -> None:
        # A negative quantity would not just be wrong: it would put stock on the shelf.
        if isinstance(self.quantity, bool) or self.quantity < 1:
            raise ValueError(f"a quantity is a positive integer, not {self.quantity!r}")


@dataclass(frozen=True, slots=True)
class ReservedLine:
    """An order line with the catalogue's name and price at the moment of the reservation."""

    sku: str
    name: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class Shortage:
    """An order line that the shelf could not serve; an unknown product has 0 available."""

    sku: str
    requested: int
    available: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order got no stock: a stable code, words for the customer, and the lines at fault."""

    reason: str
    message: str
    shortages: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True)
class Reservation:
    """The one reservation of an order.

    A RELEASED reservation without lines is a tombstone: the order was undone before it had any
    stock, and must not get some later. A FAILED one keeps its refusal, so that a repeated step
    gives the answer that the saga has already acted on, even where stock has come back since.
    """

    order_id: str
    status: ReservationStatus
    updated_at: datetime
    lines: tuple[ReservedLine, ...] = ()
    refusal: Refusal | None = None
    version: int = 1

    @property
    def total(self) -> Money:
        """The price of all lines; a reservation without lines has none (ValueError)."""
        first, *rest = (line.unit_price * line.quantity for line in self.lines)
        return sum(rest, start=first)

    def require_stock(self) -> None:
        """Raises OutOfStock, UnknownProduct, or StepAlreadyUndone where it was released."""
        if self.refusal is not None:
            raise _REFUSALS[self.refusal.reason](self.refusal.message)
        if self.status is ReservationStatus.RELEASED:
            raise StepAlreadyUndone(f"the stock of {self.order_id} was released")


@dataclass(frozen=True, slots=True)
class Move:
    """A quantity of one product goes from one shelf to another."""

    sku: str
    quantity: int
    source: Shelf
    target: Shelf


def merge_lines(lines: Iterable[OrderLine]) -> tuple[OrderLine, ...]:
    """Returns one line per SKU, in order of appearance, with the quantities added up.

    Raises ValueError for no lines at all or more than MAX_SKUS products.

    >>> merge_lines([OrderLine("mouse", 1), OrderLine("mouse", 2)])
    (OrderLine(sku='mouse', quantity=3),)
    """
    quantities: dict[str, int] = {}
    for line in lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    if not 1 <= len(quantities) <= MAX_SKUS:
        raise ValueError(f"an order has 1 to {MAX_SKUS} products, not {len(quantities)}")
    return tuple(OrderLine(sku, quantity) for sku, quantity in quantities.items())


def decide(
    order_id: str, lines: Iterable[OrderLine], products: Mapping[str, Product], at: datetime
) -> Reservation:
    """Returns a RESERVED reservation at the catalogue's prices, or a FAILED one that says why not.

    `lines` name each SKU once. It is all or nothing: one missing unit refuses the whole order, and
    the refusal names every line that fell short.
    """
    wanted = tuple(lines)
    unknown = [line for line in wanted if line.sku not in products]
    if unknown:
        message = f"No such product: {', '.join(line.sku for line in unknown)}"
        shortages = tuple(Shortage(line.sku, line.quantity, 0) for line in unknown)
        return _refused(order_id, Refusal("UNKNOWN_PRODUCT", message, shortages), at)
    short = [line for line in wanted if line.quantity > products[line.sku].available]
    if short:
        message = "; ".join(
            f"{products[line.sku].name}: {line.quantity} wanted, "
            f"{products[line.sku].available} available"
            for line in short
        )
        shortages = tuple(
            Shortage(line.sku, line.quantity, products[line.sku].available) for line in short
        )
        return _refused(order_id, Refusal("OUT_OF_STOCK", message, shortages), at)
    return Reservation(
        order_id,
        ReservationStatus.RESERVED,
        at,
        tuple(
            ReservedLine(line.sku, products[line.sku].name, line.quantity, products[line.sku].price)
            for line in wanted
        ),
    )


def release(reservation: Reservation, at: datetime) -> Reservation:
    """Returns the reservation with its stock given back; itself where there is none to give."""
    if reservation.status in (ReservationStatus.RELEASED, ReservationStatus.FAILED):
        return reservation
    return _changed(reservation, ReservationStatus.RELEASED, at)


def commit(reservation: Reservation, at: datetime) -> Reservation:
    """Returns the reservation with its stock sold; itself where it already was.

    Raises StepAlreadyUndone where the stock was released, OutOfSequence where there never was any.
    """
    if reservation.status is ReservationStatus.COMMITTED:
        return reservation
    if reservation.status is ReservationStatus.FAILED:
        raise OutOfSequence(f"{reservation.order_id} has no stock to commit")
    reservation.require_stock()
    return _changed(reservation, ReservationStatus.COMMITTED, at)


def tombstone(order_id: str, at: datetime) -> Reservation:
    """Returns the reservation of an order that was undone before it had any stock."""
    return Reservation(order_id, ReservationStatus.RELEASED, at)


def moves(before: Reservation | None, after: Reservation) -> tuple[Move, ...]:
    """Returns where the units go when an order's reservation turns from `before` into `after`."""
    source = Shelf.AVAILABLE if before is None else _SHELF_OF[before.status]
    return tuple(
        Move(line.sku, line.quantity, source, _SHELF_OF[after.status]) for line in after.lines
    )


def _refused(order_id: str, refusal: Refusal, at: datetime) -> Reservation:
    return Reservation(order_id, ReservationStatus.FAILED, at, refusal=refusal)


def _changed(reservation: Reservation, status: ReservationStatus, at: datetime) -> Reservation:
    return replace(reservation, status=status, updated_at=at, version=reservation.version + 1)
