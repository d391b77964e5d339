"""The rules over everything that the books hold: stock, money and parcels add up.

An open order may hold stock and money; an ended one may not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sagashop_ops.audit.books import OPEN, PARKED, Books, kept_cents, units
from sagashop_ops.aws import Row

COUNTS = ("available", "reserved", "sold", "seeded")


def _units_by_sku(books: Books, status: str) -> Counter[str]:
    held: Counter[str] = Counter()
    for reservation in books.reservations.values():
        if reservation["status"] == status:
            held.update(units(reservation["lines"]))
    return held


def stock_discrepancies(books: Books) -> Iterator[str]:
    reserved, sold = _units_by_sku(books, "RESERVED"), _units_by_sku(books, "COMMITTED")
    for sku, product in sorted(books.products.items()):
        counts = {name: int(product[name]) for name in COUNTS}
        if counts["available"] + counts["reserved"] + counts["sold"] != counts["seeded"]:
            yield f"{sku}: available + reserved + sold is not what was seeded: {counts}"
        if min(counts.values()) < 0:
            yield f"{sku}: a count is below zero: {counts}"
        if counts["reserved"] != reserved[sku]:
            yield f"{sku}: {counts['reserved']} reserved, but reservations hold {reserved[sku]}"
        if counts["sold"] != sold[sku]:
            yield f"{sku}: {counts['sold']} sold, but committed reservations hold {sold[sku]}"


def order_discrepancies(books: Books) -> Iterator[str]:
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


def money_discrepancies(books: Books, net: int, accounted: int) -> Iterator[str]:
    if net != accounted:
        yield (
            f"captured less refunded is {net} cents, but completed, open and parked orders "
            f"account for {accounted}"
        )
    # The payment row may lag behind the provider until the saga has ended well.
    moving = books.orders_that_are(*OPEN, PARKED)
    for order_id in sorted((books.charges.keys() | books.payments.keys()).difference(moving)):
        kept = kept_cents(books.payments.get(order_id, {}))
        if kept != books.kept_cents(order_id):
            yield (
                f"{order_id}: the payment service counts {kept} cents, "
                f"the provider {books.kept_cents(order_id)}"
            )


def parcels(books: Books) -> Mapping[str, int]:
    booked = {order: row for order, row in books.bookings.items() if row.get("booked_at")}
    under_way = {order for order, row in booked.items() if row["status"] == "BOOKED"}
    return {
        "booked": len(booked),
        "called_off": len(booked) - len(under_way),
        "completed": len(under_way.intersection(books.orders_that_are("COMPLETED"))),
        "open": len(under_way.intersection(books.orders_that_are(*OPEN))),
        "parked": len(under_way.intersection(books.orders_that_are(PARKED))),
    }


def parcel_discrepancies(books: Books) -> Iterator[str]:
    """A completed order's parcel is under way, a cancelled one's is not; the carrier agrees."""
    # Their parcel may be booked or not, and the shipment may lag behind the carrier.
    moving = books.orders_that_are(*OPEN, PARKED)
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
