"""Runs every service's sweeper now, instead of at its next scheduled time."""

from collections.abc import Iterator, Mapping
from typing import Any

from sagashop_ops.aws import Deployment, call_function
from sagashop_ops.journal import Journal

type Report = Mapping[str, Any]

# The orders first: the other services ask how they ended.
SWEEPERS = ("SweepOrders", "SweepStock", "SweepPayments", "SweepShipments")


def describe(report: Report) -> str:
    """Returns a sweeper's report as text: a line of counts, and one for each order."""
    left = report.get("left", [])
    parked = f", {report['parked']} parked" if report.get("parked") else ""
    behind = ", behind" if report["behind"] else ""
    lines = [
        f"{report['service']:<10} looked at {report['looked_at']}, "
        f"repaired {len(report['repaired'])}, left {len(left)}{parked}{behind}",
        *(f"{'':<10} repaired {_item(item)}" for item in report["repaired"]),
        *(f"{'':<10} left   {_item(item)}" for item in left),
    ]
    return "\n".join(lines)


def sweep(deployment: Deployment, journal: Journal, grace_seconds: int | None) -> Iterator[Report]:
    """Runs the sweepers one after the other; yields each one's report.

    `grace_seconds`: how long a row must be at rest; None is the stack's own setting.
    """
    payload = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
    with journal.record("sweep", "all services", "", **payload) as outcome:
        for sweeper in SWEEPERS:
            report: Report = call_function(deployment, sweeper, payload)
            outcome[report["service"]] = len(report["repaired"])
            yield report


def _item(item: Any) -> str:
    """Returns an entry of a report: an order's id, and what was found or done."""
    if isinstance(item, Mapping):
        return "  ".join(str(value) for value in item.values())
    return str(item)
