"""Orders that keep coming: what a store does minute after minute, and whether it loses any."""

import itertools
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sagashop_ops.bench.figures import Figure, percentile
from sagashop_ops.client import Line, OrderNotEnded, StoreClient

CALLERS = 8
SECONDS = 120.0
POLL_SECONDS = 0.05
UNITS_ADDED = 10_000  # per product: this is about orders, not about running out
STUCK_AFTER_SECONDS = 60.0


def measure_sustained(
    api_url: str, dynamodb: Any, tables: Mapping[str, str], seconds: float = SECONDS
) -> Figure:
    """Lets callers buy one after another, each waiting for an order's end before the next.

    An order is lost where the store no longer knows it, and stuck where it is open after a minute.
    """
    client = StoreClient(api_url, pool_size=CALLERS)
    skus = [product["sku"] for product in client.get("/products")["products"]]
    for sku in skus:
        _stock_up(dynamodb, tables["inventory"], sku)
    started = time.monotonic()

    def keep_buying(caller: int) -> tuple[list[float], list[str]]:
        samples: list[float] = []
        ends: list[str] = []
        # Each begins with another product, as shoppers do.
        for sku in itertools.islice(itertools.cycle(skus), caller, None):
            if time.monotonic() - started > seconds:
                return samples, ends
            placed = time.perf_counter()
            order_id = client.place_order([Line(sku, 1)], "tok_visa")
            ends.append(_end_of(client, order_id))
            samples.append(time.perf_counter() - placed)
        raise AssertionError("a cycle has no end")

    with ThreadPoolExecutor(CALLERS) as callers:
        results = list(callers.map(keep_buying, range(CALLERS)))
    elapsed = time.monotonic() - started
    samples = [sample for caller, _ in results for sample in caller]
    ends = Counter(end for _, caller in results for end in caller)
    p50, p95, p99 = (percentile(samples, percent) for percent in (50, 95, 99))
    return Figure(
        f"{CALLERS} callers for {seconds:.0f} s, p50 / p95 / p99",
        f"{len(samples)} orders, {len(samples) / elapsed:.1f}/s, "
        f"{p50:.2f} / {p95:.2f} / {p99:.2f} s; "
        + ", ".join(f"{count} {end}" for end, count in sorted(ends.items())),
        "0 lost, 0 stuck",
        set(ends) == {"COMPLETED"},
        samples=samples,
    )


def _end_of(client: StoreClient, order_id: str) -> str:
    try:
        order = client.wait_until_ended(order_id, timeout=STUCK_AFTER_SECONDS, every=POLL_SECONDS)
    except OrderNotEnded:
        return "stuck"
    return str(order["status"])


def _stock_up(dynamodb: Any, table: str, sku: str) -> None:
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": "PRODUCT"}, "sk": {"S": sku}},
        UpdateExpression="ADD available :units, seeded :units, version :one",
        ExpressionAttributeValues={":units": {"N": str(UNITS_ADDED)}, ":one": {"N": "1"}},
    )
