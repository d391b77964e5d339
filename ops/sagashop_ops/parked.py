"""Parked orders in words: what gave up, and what the store still owes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

NONE = "No order is parked."


def describe(orders: Iterable[Mapping[str, Any]], unreadable: Iterable[str] = ()) -> list[str]:
    """Returns lines for orders as `GET /ops/orders?status=NEEDS_ATTENTION` lists them."""
    lines = []
    for order in orders:
        times, parked = order["redrives"], order["parked"]
        again = f", redriven {times} time{'s' if times > 1 else ''}" if times else ""
        lines += [
            f"{order['order_id']}  since {order['updated_at']}{again}",
            f"    {parked['compensation']} gave up with {parked['error']}, "
            f"when undoing the order after {parked['failure']}",
            f"    owed: {'; '.join(_owed(parked['owed'])) or 'nothing but the last word'}",
        ]
        if silent := parked["owed"].get("unanswered"):
            lines.append(f"    {', '.join(silent)} did not answer: this is the worst that may be")
    lines += [
        f"{order_id}  its row cannot be read: it may be parked too" for order_id in unreadable
    ]
    return lines or [NONE]


def _owed(owed: Mapping[str, Any]) -> Iterator[str]:
    """Yields each thing that is left to undo. A refund of None: the captured amount is unknown."""
    cents = owed["refund_cents"]
    if cents is None:
        yield "a refund, if anything was captured"
    elif cents:
        yield f"a refund of {cents / 100:,.2f} {owed['currency']}"
    if owed.get("shipment_booked"):
        yield "a shipment to cancel, if one was booked"
    if owed["stock_held"]:
        held = ", ".join(f"{line['quantity']} x {line['sku']}" for line in owed["stock_held"])
        yield f"stock to release: {held}"
