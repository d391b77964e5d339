"""Does the store's bookkeeping add up? Stock, money and parcels, order by order and in total.

The rules are pure functions over the rows of the services' tables, so that they can be tested
without a store; `read_books` is the only part that talks to one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagashop_ops.aws import Row, rows, table_of
from sagashop_ops.stack import Stack

OPEN = frozenset({"PENDING", "AWAITING_PAYMENT", "PAID"})
_PARKED = "NEEDS_ATTENTION"
_COUNTS = ("available", "reserved", "sold", "seeded")


@dataclass(frozen=True)
class Books:
    """The rows that hold stock, money and parcels, each keyed by what it is about.

    `charges` are the payment provider's and `bookings` the carrier's own.
    """

    products: Mapping[str, Row]
    reservations: Mapping[str, Row]
    orders: Mapping[str, Row]
    payments: Mapping[str, Row]
    charges: Mapping[str, Row]
    shipments: Mapping[str, Row]
    bookings: Mapping[str, Row]

    def orders_that_are(self, *statuses: str) -> list[str]:
        """Returns the ids of the orders that have one of the statuses."""
        return [order for order, row in self.orders.items() if row["status"] in statuses]

    def kept_cents(self, order_id: str) -> int:
        """Returns what the payment provider holds of one order's money."""
        return _kept_cents(self.charges.get(order_id, {}))


@dataclass(frozen=True)
class Report:
    """What the audit counted, and each rule that does not hold, in words.

    `parcels` counts the booked and the called-off ones, and those under way of completed, open and
    parked orders.
    """

    orders_by_status: Mapping[str, int]
    units: Mapping[str, int]
    parcels: Mapping[str, int]
    captured_cents: int
    refunded_cents: int
    completed_cents: int
    held_cents: int
    owed_cents: int
    discrepancies: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.discrepancies


def audit(books: Books) -> Report:
    """Checks every rule. An open order may hold stock and money; an ended one may not."""
    captured = sum(_cents(charge, "captured_cents") for charge in books.charges.values())
    refunded = sum(_cents(charge, "refunded_cents") for charge in books.charges.values())
    completed = sum(
        int(books.orders[order_id]["total_cents"])
        for order_id in books.orders_that_are("COMPLETED")
    )
    held = sum(map(books.kept_cents, books.orders_that_are(*OPEN)))
    owed = sum(map(books.kept_cents, books.orders_that_are(_PARKED)))
    return Report(
        orders_by_status=Counter(str(order["status"]) for order in books.orders.values()),
        units={
            name: sum(int(product[name]) for product in books.products.values()) for name in _COUNTS
        },
        parcels=_parcels(books),
        captured_cents=captured,
        refunded_cents=refunded,
        completed_cents=completed,
        held_cents=held,
        owed_cents=owed,
        discrepancies=(
            *_stock_discrepancies(books),
            *_order_discrepancies(books),
            *_money_discrepancies(books, captured - refunded, completed + held + owed),
            *_parcel_discrepancies(books),
        ),
    )


def describe(report: Report) -> list[str]:
    """Returns the report as lines of text: the sums, then what doesn't add up."""
    orders = ", ".join(f"{n} {status}" for status, n in sorted(report.orders_by_status.items()))
    stock = " + ".join(f"{report.units[name]} {name}" for name in _COUNTS[:3])
    captured, refunded = report.captured_cents, report.refunded_cents
    parcels = report.parcels
    booked, called_off = parcels["booked"], parcels["called_off"]
    return [
        f"orders  {orders or 'none'}",
        f"stock   {stock} = {report.units['seeded']} seeded",
        f"money   {_money(captured)} captured - {_money(refunded)} refunded "
        f"= {_money(captured - refunded)}",
        f"        {_money(report.completed_cents)} in completed orders "
        f"+ {_money(report.held_cents)} in open ones + {_money(report.owed_cents)} in parked ones",
        f"parcels {booked} booked - {called_off} called off = {booked - called_off}: "
        f"{parcels['completed']} of completed orders + {parcels['open']} of open ones "
        f"+ {parcels['parked']} of parked ones",
        *(f"WRONG   {discrepancy}" for discrepancy in report.discrepancies),
        "The books hold." if report.holds else "The books do NOT hold.",
    ]


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f}"


def _kept_cents(row: Row) -> int:
    """Captured, less refunded: at the provider, or as the payment service counts it."""
    return _cents(row, "captured_cents") - _cents(row, "refunded_cents")


def _cents(row: Row, name: str) -> int:
    """A charge that was only attempted has no amounts yet."""
    return int(row.get(name, 0))


def _units_by_sku(books: Books, status: str) -> Counter[str]:
    units: Counter[str] = Counter()
    for reservation in books.reservations.values():
        if reservation["status"] == status:
            for line in reservation["lines"]:
                units[str(line["sku"])] += int(line["quantity"])
    return units


def _stock_discrepancies(books: Books) -> Iterator[str]:
    reserved, sold = _units_by_sku(books, "RESERVED"), _units_by_sku(books, "COMMITTED")
    for sku, product in sorted(books.products.items()):
        counts = {name: int(product[name]) for name in _COUNTS}
        if counts["available"] + counts["reserved"] + counts["sold"] != counts["seeded"]:
            yield f"{sku}: available + reserved + sold is not what was seeded: {counts}"
        if min(counts.values()) < 0:
            yield f"{sku}: a count is below zero: {counts}"
        if counts["reserved"] != reserved[sku]:
            yield f"{sku}: {counts['reserved']} reserved, but reservations hold {reserved[sku]}"
        if counts["sold"] != sold[sku]:
            yield f"{sku}: {counts['sold']} sold, but committed reservations hold {sold[sku]}"


def _order_discrepancies(books: Books) -> Iterator[str]:
    """An ended order agrees with its reservation and its money."""
    for order_id, order in sorted(books.orders.items()):
        status, net = order["status"], books.kept_cents(order_id)
        reservation = books.reservations.get(order_id, {}).get("status")
        if status == "COMPLETED":
            if reservation != "COMMITTED":
                yield f"{order_id}: completed, but its reservation is {reservation}"
            if net != int(order["total_cents"]):
                yield f"{order_id}: completed at {order['total_cents']} cents, but {net} were kept"
        elif status == "CANCELLED":
            if reservation in {"RESERVED", "COMMITTED"}:
                yield f"{order_id}: cancelled, but its reservation is {reservation}"
            if net != 0:
                yield f"{order_id}: cancelled, but {net} cents were kept"
    for order_id in sorted(books.reservations.keys() - books.orders.keys()):
        if books.reservations[order_id]["status"] in {"RESERVED", "COMMITTED"}:
            yield f"{order_id}: stock is held for an order that doesn't exist"


def _money_discrepancies(books: Books, net: int, accounted: int) -> Iterator[str]:
    if net != accounted:
        yield (
            f"captured less refunded is {net} cents, but completed, open and parked orders "
            f"account for {accounted}"
        )
    # The payment row may lag behind the provider until the saga has ended well.
    moving = books.orders_that_are(*OPEN, _PARKED)
    for order_id in sorted((books.charges.keys() | books.payments.keys()).difference(moving)):
        kept = _kept_cents(books.payments.get(order_id, {}))
        if kept != books.kept_cents(order_id):
            yield (
                f"{order_id}: the payment service counts {kept} cents, "
                f"the provider {books.kept_cents(order_id)}"
            )


def _parcels(books: Books) -> Mapping[str, int]:
    booked = {order: row for order, row in books.bookings.items() if row.get("booked_at")}
    under_way = {order for order, row in booked.items() if row["status"] == "BOOKED"}
    return {
        "booked": len(booked),
        "called_off": len(booked) - len(under_way),
        "completed": len(under_way.intersection(books.orders_that_are("COMPLETED"))),
        "open": len(under_way.intersection(books.orders_that_are(*OPEN))),
        "parked": len(under_way.intersection(books.orders_that_are(_PARKED))),
    }


def _parcel_discrepancies(books: Books) -> Iterator[str]:
    """A completed order's parcel is under way, a cancelled one's is not; the carrier agrees."""
    # Their parcel may be booked or not, and the shipment may lag behind the carrier.
    moving = books.orders_that_are(*OPEN, _PARKED)
    known = books.orders.keys() | books.shipments.keys() | books.bookings.keys()
    for order_id in sorted(known.difference(moving)):
        row = books.orders.get(order_id, {})
        order = row.get("status")
        shipment = books.shipments.get(order_id, {}).get("status")
        # Version 0.1 completed orders without shipping them, and its rows have no such attribute.
        if order == "COMPLETED" and "shipment" in row and shipment != "CREATED":
            yield f"{order_id}: completed, but its shipment is {shipment}"
        if order == "CANCELLED" and shipment in {"PENDING", "CREATED"}:
            yield f"{order_id}: cancelled, but its shipment is {shipment}"
        if order is None and shipment in {"PENDING", "CREATED"}:
            yield f"{order_id}: a shipment for an order that doesn't exist"
        expected = _tracking_number(books.shipments, order_id, "CREATED")
        booked = _tracking_number(books.bookings, order_id, "BOOKED")
        if expected != booked:
            yield f"{order_id}: the shipping service ships {expected}, the carrier {booked}"


def _tracking_number(parcels: Mapping[str, Row], order_id: str, under_way: str) -> Any:
    """The number of the order's parcel where there is one under way."""
    row = parcels.get(order_id, {})
    return row["tracking_number"] if row.get("status") == under_way else None


def read_books(stack: Stack) -> Books:
    """Reads the rows of a store.

    The tables are read one after another, so orders that move on meanwhile can look inconsistent:
    audit a store whose orders have ended.
    """

    def read(service: str, sort_key: str, prefix: str) -> dict[str, Row]:
        found = rows(
            table_of(stack, service),
            "scan",
            FilterExpression="sk = :sort_key AND begins_with(pk, :prefix)",
            ExpressionAttributeValues={":sort_key": sort_key, ":prefix": prefix},
        )
        return {row["pk"].removeprefix(prefix): row for row in found}

    products = rows(
        table_of(stack, "inventory"),
        "query",
        KeyConditionExpression="pk = :products",
        ExpressionAttributeValues={":products": "PRODUCT"},
    )
    return Books(
        orders=read("order", "ORDER", "ORDER#"),
        reservations=read("inventory", "RESERVATION", "RESERVATION#"),
        payments=read("payment", "PAYMENT", "PAYMENT#"),
        charges=read("payment", "CHARGE", "PROVIDER#"),
        shipments=read("shipping", "SHIPMENT", "SHIPMENT#"),
        bookings=read("shipping", "BOOKING", "CARRIER#"),
        products={product["sk"]: product for product in products},
    )
