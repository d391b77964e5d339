"""How long orders take: one at a time, many at once, for minutes, and with a long history."""

import itertools
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from sagashop_ops.aws import table_of
from sagashop_ops.bench.figures import Figure, percentile
from sagashop_ops.client import Json, Line, OrderNotEnded, StoreClient
from sagashop_ops.stack import Stack

BUYERS = 150
CONTESTED_SKU = "product-001"  # Seeded with fewer units than there are buyers.
HISTORY_ORDERS = 10_000
POLL_SECONDS = 0.02
CALLERS = 8
SUSTAINED_SECONDS = 120.0
UNITS_ADDED = 10_000  # per product, so that none sells out
STUCK_AFTER_SECONDS = 60.0
# The partitions that an order has in each table.
PARTITIONS: Mapping[str, Sequence[str]] = {
    "order": ["ORDER"],
    "inventory": ["RESERVATION"],
    "payment": ["PAYMENT", "PROVIDER"],
    "shipping": ["SHIPMENT", "CARRIER"],
}


def time_orders(client: StoreClient, count: int, sku: str) -> list[float]:
    """Places orders one after another; returns each one's seconds from POST to COMPLETED."""
    samples = []
    for _ in range(count):
        started = time.perf_counter()
        order_id = client.place_order([Line(sku, 1)], "tok_visa")
        order = client.wait_until_ended(order_id, every=POLL_SECONDS)
        samples.append(time.perf_counter() - started)
        if order["status"] != "COMPLETED":
            raise RuntimeError(f"order {order_id} ended {order['status']}: {order['reason']}")
    return samples


def order_figure(samples: list[float]) -> Figure:
    p50, p99 = percentile(samples, 50), percentile(samples, 99)
    return Figure(
        f"order placed to completed, {len(samples)} one at a time, p50 / p99",
        f"{p50:.2f} / {p99:.2f} s",
        "<= 1.2 / 3 s",
        p50 <= 1.2 and p99 <= 3,
        samples=samples,
    )


def measure_rush(api_url: str) -> Figure:
    """Lets more buyers than units arrive at once: every order ends, every unit is sold once."""
    client = StoreClient(api_url, pool_size=BUYERS)
    units = int(client.product(CONTESTED_SKU)["available"])

    def buy(_: int) -> tuple[Json, float]:
        started = time.perf_counter()
        order_id = client.place_order([Line(CONTESTED_SKU, 1)], "tok_visa")
        order = client.wait_until_ended(order_id, timeout=240, every=2.0)
        return order, time.perf_counter() - started

    started = time.perf_counter()
    with ThreadPoolExecutor(BUYERS) as buyers:
        results = list(buyers.map(buy, range(BUYERS)))
    elapsed = time.perf_counter() - started
    ends = Counter(
        order["reason"]["code"] if order["reason"] else order["status"] for order, _ in results
    )
    left = int(client.product(CONTESTED_SKU)["available"])
    return Figure(
        f"{BUYERS} buyers at once for {units} units",
        f"{ends['COMPLETED']} sold, {ends['OUT_OF_STOCK']} told out of stock, "
        f"{left} left, all ended in {elapsed:.0f} s",
        "each unit sold once, every order ends",
        ends == Counter({"COMPLETED": units, "OUT_OF_STOCK": BUYERS - units}) and left == 0,
        samples=[seconds for _, seconds in results],
    )


def measure_sustained(stack: Stack) -> Figure:
    """Lets callers buy one after another, each waiting for an order's end before the next.

    An order is stuck where it is still open after a minute.
    """
    client = StoreClient(stack.api_url, pool_size=CALLERS)
    skus = [product["sku"] for product in client.get("/products")["products"]]
    for sku in skus:
        _restock(stack, sku, "available", UNITS_ADDED)
    started = time.monotonic()

    def keep_buying(caller: int) -> list[tuple[str, float]]:
        ends: list[tuple[str, float]] = []
        # Each caller begins with another product, as shoppers do.
        shopping = itertools.islice(itertools.cycle(skus), caller, None)
        while time.monotonic() - started < SUSTAINED_SECONDS:
            placed = time.perf_counter()
            order_id = client.place_order([Line(next(shopping), 1)], "tok_visa")
            try:
                end = client.wait_until_ended(order_id, STUCK_AFTER_SECONDS, every=0.05)["status"]
            except OrderNotEnded:
                end = "stuck"
            ends.append((end, time.perf_counter() - placed))
        return ends

    with ThreadPoolExecutor(CALLERS) as callers:
        results = [end for ends in callers.map(keep_buying, range(CALLERS)) for end in ends]
    elapsed = time.monotonic() - started
    samples = [seconds for _, seconds in results]
    p50, p95, p99 = (percentile(samples, percent) for percent in (50, 95, 99))
    ends = Counter(end for end, _ in results)
    return Figure(
        f"{CALLERS} callers for {SUSTAINED_SECONDS:.0f} s, p50 / p95 / p99",
        f"{len(samples)} orders, {len(samples) / elapsed:.1f}/s, "
        f"{p50:.2f} / {p95:.2f} / {p99:.2f} s; "
        + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())),
        "0 lost, 0 stuck",
        set(ends) == {"COMPLETED"},
        samples=samples,
    )


def history_figure(few: list[float], many: list[float]) -> Figure:
    ratio = median(many) / median(few)
    return Figure(
        f"the same order with {HISTORY_ORDERS:,} orders in the tables, against 10",
        f"{median(many):.2f} s / {median(few):.2f} s = {ratio:.2f} x",
        "<= 1.2 x",
        ratio <= 1.2,
        unit="s, the first half with few orders",
        samples=[*few, *many],
    )


def write_history(stack: Stack, order_id: str, sku: str) -> None:
    """Fills the tables with copies of one completed order, as if the shop had been open for years.

    Every row of the order is copied under new ids. Copied events are marked as logged, so that they
    are not published. The product's counts grow with the copies, so that the audit holds.
    """
    for name, prefixes in PARTITIONS.items():
        table = table_of(stack, name)
        originals = [
            row
            for prefix in prefixes
            for row in table.query(
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": f"{prefix}#{order_id}"},
            )["Items"]
        ]
        with table.batch_writer() as batch:
            for number in range(HISTORY_ORDERS):
                for row in originals:
                    batch.put_item(Item=_copy_of(row, order_id, f"{order_id}-{number}"))
    _restock(stack, sku, "sold", HISTORY_ORDERS)


def _restock(stack: Stack, sku: str, count: str, units: int) -> None:
    """Adds units to one of a product's counts, and to what was seeded."""
    table_of(stack, "inventory").update_item(
        Key={"pk": "PRODUCT", "sk": sku},
        UpdateExpression=f"ADD {count} :units, seeded :units, version :one",
        ExpressionAttributeValues={":units": units, ":one": 1},
    )


def _copy_of(row: Mapping[str, Any], order_id: str, copy_id: str) -> dict[str, Any]:
    copy = {
        name: value.replace(order_id, copy_id) if isinstance(value, str) else value
        for name, value in row.items()
        if name != "unsettled"  # the sweepers settled such old rows long ago
    }
    return copy | ({"entity": "logged_event"} if copy.get("entity") == "outbox_event" else {})
