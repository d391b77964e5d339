"""The rules over each order: what was reserved, charged and sent is what was promised.

The promise is the OrderPlaced event's lines at the catalogue's prices of that moment. A rule
returns each thing that does not hold, in words; None where the order has nothing to check it by,
because it is from before the store recorded that.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sagashop_ops.audit.books import OneOrder, cents, kept_cents, units

type Findings = Sequence[str] | None

# How far two services' clocks may be apart, and a price's time from when it is written.
_CLOCK_SKEW = timedelta(seconds=5)


def lines(order: OneOrder) -> Findings:
    """The reservation is of the units that were ordered."""
    promised, reservation = order.promised, order.reservation
    if promised is None:
        return None
    reserved = units(reservation.get("lines", ()))
    # What was refused, or undone before it began, has no lines.
    if not reserved and reservation.get("status") not in {"RESERVED", "COMMITTED"}:
        return []
    return _unlike("reserved", reserved, promised)


def prices(order: OneOrder) -> Findings:
    """Each line was reserved at a price that was in force when it was ordered, or since."""
    if not order.reservation.get("lines"):
        return []
    in_force = _prices_in_force(order)
    if in_force is None:
        return None
    return [
        f"{line['sku']} was reserved at {line['unit_price_cents']} cents, "
        f"and cost {_either(in_force[line['sku']])}"
        for line in order.reservation["lines"]
        if line["sku"] in in_force and line["unit_price_cents"] not in in_force[line["sku"]]
    ]


def total(order: OneOrder) -> Findings:
    """The order's total is the price of what was ordered."""
    if order.row.get("total_cents") is None:
        return []
    totals = _totals(order)
    if totals is None:
        return None
    found = int(order.row["total_cents"])
    return [] if found in totals else [f"its total is {found} cents, not {_either(totals)}"]


def charge(order: OneOrder) -> Findings:
    """The provider took the order's price once at most, gave back all of it or nothing, once.

    Of a completed order it keeps the price, of a cancelled one nothing.
    """
    moved = _moved_cents(order)
    if moved is None:
        return None
    captures = [amount for amount in moved if amount > 0]
    refunds = [-amount for amount in moved if amount < 0]
    findings = []
    if len(captures) > 1:
        findings.append(f"it was charged {len(captures)} times: {captures} cents")
    if len(refunds) > 1:
        findings.append(f"it was refunded {len(refunds)} times: {refunds} cents")
    wanted = _totals(order)
    if wanted is None and order.row.get("total_cents") is not None:
        wanted = {int(order.row["total_cents"])}
    if wanted is not None:
        findings += [
            f"{amount} cents were charged, not {_either(wanted)}"
            for amount in captures
            if amount not in wanted
        ]
    findings += [
        f"{amount} cents were refunded of {sum(captures)} that were charged"
        for amount in refunds
        if amount != sum(captures)
    ]
    if order.status == "COMPLETED" and (len(captures), len(refunds)) != (1, 0):
        findings.append(f"completed with {len(captures)} charges and {len(refunds)} refunds")
    if order.status == "CANCELLED" and sum(moved) != 0:
        findings.append(f"cancelled, and the provider's calls kept {sum(moved)} cents")
    if order.has_ended and sum(moved) != kept_cents(order.charge):
        findings.append(
            f"the provider's calls kept {sum(moved)} cents, its charge {kept_cents(order.charge)}"
        )
    return findings


def parcel(order: OneOrder) -> Findings:
    """The carrier booked one parcel at most, with what was ordered in it.

    Of a completed order it booked one, and did not cancel it.
    """
    promised = order.promised
    # Release 0.1.0 did not ship.
    if promised is None or "shipment" not in order.row:
        return None
    if _predates(order.carrier_calls, order.booking, "booked_at", "BOOKED"):
        return None
    booked = [call for call in order.carrier_calls if call["outcome"] == "BOOKED"]
    cancelled = [call for call in order.carrier_calls if call["outcome"] == "CANCELLED"]
    findings = [
        finding for call in booked for finding in _unlike("sent", units(call["parcel"]), promised)
    ]
    if len(booked) > 1:
        findings.append(f"{len(booked)} parcels were booked")
    if order.status == "COMPLETED" and (not booked or cancelled):
        findings.append(
            f"completed with {len(booked)} parcels booked and {len(cancelled)} cancelled"
        )
    return findings


def refund(order: OneOrder) -> Findings:
    """An ended order's events tell the money that the provider moved; so does the customer's.

    The timeline may lag behind the payment service, so what it has is right, or not there yet.
    """
    if not order.has_sequences:
        return None
    moved = {
        "PaymentCaptured": cents(order.charge, "captured_cents"),
        "PaymentRefunded": cents(order.charge, "refunded_cents"),
    }
    findings = []
    for event_type, amount in moved.items():
        true = [amount] if amount else []
        told = [int(event.data["amount_cents"]) for event in order.told(event_type)]
        if order.has_ended and told != true:
            findings.append(f"{event_type} told {told} cents, the provider moved {true}")
        findings += [
            f"the timeline's {event_type} tells {event.data['amount_cents']} cents, not {true}"
            for event in order.logged
            if event.type == event_type and int(event.data["amount_cents"]) not in true
        ]
    refunded = moved["PaymentRefunded"]
    for event in order.told("OrderCancelled"):
        told_cents = int((event.data["refund"] or {"amount_cents": 0})["amount_cents"])
        if told_cents != refunded:
            findings.append(f"OrderCancelled told a refund of {told_cents} cents, not {refunded}")
    return findings


def open_too_long(order: OneOrder, at: datetime, limit: timedelta) -> Findings:
    """An order is open for `limit` at most, from its last start or the end of the time to pay."""
    if not order.is_open:
        return []
    if "created_at" not in order.row:
        return None
    window = order.row.get("payment_window") or {}
    begun = [
        order.row["created_at"],
        *(event.occurred_at for event in order.told("OrderRedriven")),
        *([window["due_at"]] if window else []),
    ]
    open_for = at - max(map(datetime.fromisoformat, begun))
    if open_for <= limit:
        return []
    return [f"it is {order.status} for {open_for.total_seconds() / 60:.0f} minutes"]


def _unlike(done: str, found: Mapping[str, int], promised: Mapping[str, int]) -> list[str]:
    """Returns each product of which another quantity was ordered."""
    return [
        f"{promised.get(sku, 0)} x {sku} were ordered, {found.get(sku, 0)} {done}"
        for sku in sorted(promised.keys() | found.keys())
        if promised.get(sku, 0) != found.get(sku, 0)
    ]


def _prices_in_force(order: OneOrder) -> Mapping[str, set[int]] | None:
    """Returns each ordered product's prices that may be right; None where one is not known."""
    placed, reserved = order.told("OrderPlaced"), order.told("StockReserved")
    if order.promised is None or not reserved:
        return None
    ordered_at, reserved_at = (
        datetime.fromisoformat(event.occurred_at) for event in (placed[0], reserved[0])
    )
    known = {
        sku: _between(order.products.get(sku, {}).get("prices", ()), ordered_at, reserved_at)
        for sku in order.promised
    }
    return known if all(known.values()) else None


def _between(history: Sequence[Mapping[str, Any]], begin: datetime, end: datetime) -> set[int]:
    """Returns the prices in force at any time between two; none where the history begins later."""
    since = [datetime.fromisoformat(entry["since"]) for entry in history]
    if not since or begin < since[0]:
        return set()
    until = [*since[1:], datetime.max.replace(tzinfo=begin.tzinfo)]
    return {
        int(entry["price_cents"])
        for entry, first, last in zip(history, since, until, strict=True)
        if first <= end + _CLOCK_SKEW and last > begin - _CLOCK_SKEW
    }


def _totals(order: OneOrder) -> set[int] | None:
    """Returns what the order may cost: more than one amount only where a price was changing."""
    in_force = _prices_in_force(order)
    if in_force is None or order.promised is None:
        return None
    totals = {0}
    for sku, quantity in order.promised.items():
        totals = {so_far + quantity * price for so_far in totals for price in in_force[sku]}
    return totals


def _moved_cents(order: OneOrder) -> list[int] | None:
    """Returns what each of the provider's calls moved; None where some were not recorded."""
    if _predates(order.provider_calls, order.charge, "captured_at", "CAPTURED"):
        return None
    return [int(call["moved_cents"]) for call in order.provider_calls]


def _predates(
    calls: Sequence[Mapping[str, Any]], row: Mapping[str, Any], effect: str, outcome: str
) -> bool:
    """Whether a partner's row is from before it recorded calls, or was when it had its effect."""
    if not calls:
        return bool(row)
    is_recorded = any(call["outcome"] == outcome for call in calls)
    return (
        bool(row.get(effect))
        and not is_recorded
        and row[effect] < min(call["at"] for call in calls)
    )


def _either(amounts: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(amounts)))
