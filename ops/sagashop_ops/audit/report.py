"""Applies every rule to a store's books, and puts the result into words."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sagashop_ops.audit import balances, promises, told
from sagashop_ops.audit.books import OPEN, PARKED, Books, OneOrder, cents
from sagashop_ops.audit.promises import Findings

OPEN_LIMIT = timedelta(minutes=30)
"""How long an order may be open, in addition to its time to pay: its retries take minutes."""

_RULES: Mapping[str, Callable[[OneOrder], Findings]] = {
    "lines": promises.lines,
    "prices": promises.prices,
    "totals": promises.total,
    "charges": promises.charge,
    "parcels": promises.parcel,
    "refunds": promises.refund,
    "events": told.repeated_events,
    "ends": told.end,
    "mails": told.mails,
}


@dataclass(frozen=True)
class Report:
    """What the audit counted, and each rule that does not hold, in words.

    `parcels` counts the booked and the called-off ones, and those under way of completed, open and
    parked orders. `unchecked` counts the orders that a rule could not check, since they are from
    before the store recorded what it needs.
    """

    orders_by_status: Mapping[str, int]
    units: Mapping[str, int]
    parcels: Mapping[str, int]
    captured_cents: int
    refunded_cents: int
    completed_cents: int
    held_cents: int
    owed_cents: int
    unchecked: Mapping[str, int]
    discrepancies: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.discrepancies


def audit(books: Books, at: datetime | None = None, open_limit: timedelta = OPEN_LIMIT) -> Report:
    """Checks every rule, as of now or of another moment.

    `open_limit` is how long an order may be open, in addition to its time to pay.
    """
    captured = sum(cents(charge, "captured_cents") for charge in books.charges.values())
    refunded = sum(cents(charge, "refunded_cents") for charge in books.charges.values())
    completed = sum(
        int(books.orders[order_id]["total_cents"])
        for order_id in books.orders_that_are("COMPLETED")
    )
    held = sum(map(books.kept_cents, books.orders_that_are(*OPEN)))
    owed = sum(map(books.kept_cents, books.orders_that_are(PARKED)))
    rules: Mapping[str, Callable[[OneOrder], Findings]] = {
        **_RULES,
        "ages": partial(promises.open_too_long, at=at or datetime.now(UTC), limit=open_limit),
    }
    unchecked: Counter[str] = Counter()
    findings = []
    for order_id in sorted(books.orders):
        order = books.order(order_id)
        for name, rule in rules.items():
            found = rule(order)
            if found is None:
                unchecked[name] += 1
            else:
                findings += [f"{order_id}: {finding}" for finding in found]
    return Report(
        orders_by_status=Counter(str(order["status"]) for order in books.orders.values()),
        units={
            name: sum(int(product[name]) for product in books.products.values())
            for name in balances.COUNTS
        },
        parcels=balances.parcels(books),
        captured_cents=captured,
        refunded_cents=refunded,
        completed_cents=completed,
        held_cents=held,
        owed_cents=owed,
        unchecked=unchecked,
        discrepancies=(
            *balances.stock_discrepancies(books),
            *balances.order_discrepancies(books),
            *balances.money_discrepancies(books, captured - refunded, completed + held + owed),
            *balances.parcel_discrepancies(books),
            *findings,
        ),
    )


def describe(report: Report) -> list[str]:
    """Returns the report as lines of text: the sums, then what doesn't add up."""
    orders = ", ".join(f"{n} {status}" for status, n in sorted(report.orders_by_status.items()))
    stock = " + ".join(f"{report.units[name]} {name}" for name in balances.COUNTS[:3])
    captured, refunded = report.captured_cents, report.refunded_cents
    parcels = report.parcels
    booked, called_off = parcels["booked"], parcels["called_off"]
    unchecked = ", ".join(f"{name} ({n})" for name, n in report.unchecked.items())
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
        *([f"not checkable in some orders: {unchecked}"] if unchecked else []),
        *(f"WRONG   {discrepancy}" for discrepancy in report.discrepancies),
        "The books hold." if report.holds else "The books do NOT hold.",
    ]


def _money(cents_: int) -> str:
    return f"{cents_ / 100:,.2f}"
