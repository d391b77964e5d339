"""How long orders take: one at a time, many at once, and with a long history in the tables."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sagashop_ops.bench.figures import Figure, median, percentile
from sagashop_ops.client import Json, Line, StoreClient

BUYERS = 150
CONTESTED_SKU = "product-001"  # Seeded with fewer units than there are buyers.
HISTORY_ORDERS = 10_000
POLL_SECONDS = 0.02
BATCH_WRITE_LIMIT = 25  # Items in one BatchWriteItem, a limit of DynamoDB's.
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
    expected = Counter({"COMPLETED": units, "OUT_OF_STOCK": BUYERS - units})
    left = int(client.product(CONTESTED_SKU)["available"])
    return Figure(
        f"{BUYERS} buyers at once for {units} units",
        f"{ends['COMPLETED']} sold, {ends['OUT_OF_STOCK']} told out of stock, "
        f"{left} left, all ended in {elapsed:.0f} s",
        "each unit sold once, every order ends",
        ends == expected and left == 0,
        samples=[seconds for _, seconds in results],
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


def write_history(dynamodb: Any, tables: Mapping[str, str], order_id: str, sku: str) -> None:
    """Fills the tables with copies of one completed order, as if the shop had been open for years.

    Every row that the order left is copied under new ids. Copied events are marked as logged, so
    that they are not published; the product's counts grow with the copies, so that the audit holds.
    """
    for name, prefixes in PARTITIONS.items():
        originals = [
            row
            for prefix in prefixes
            for row in _rows(dynamodb, tables[name], f"{prefix}#{order_id}")
        ]
        copies = (
            _copy_of(row, order_id, f"{order_id}-{number}")
            for number in range(HISTORY_ORDERS)
            for row in originals
        )
        _write_all(dynamodb, tables[name], copies)
    dynamodb.update_item(
        TableName=tables["inventory"],
        Key={"pk": {"S": "PRODUCT"}, "sk": {"S": sku}},
        UpdateExpression="ADD sold :copies, seeded :copies",
        ExpressionAttributeValues={":copies": {"N": str(HISTORY_ORDERS)}},
    )


def _rows(dynamodb: Any, table: str, partition_key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition_key}},
    )["Items"]
    return rows


def _copy_of(row: dict[str, Any], order_id: str, copy_id: str) -> dict[str, Any]:
    copy = {
        name: {"S": value["S"].replace(order_id, copy_id)} if "S" in value else value
        for name, value in row.items()
        if name != "unsettled"  # what is years old, the sweepers have seen
    }
    if copy.get("entity") == {"S": "outbox_event"}:
        copy["entity"] = {"S": "logged_event"}
    return copy


def _write_all(dynamodb: Any, table: str, rows: Iterator[dict[str, Any]]) -> None:
    def write(batch: list[dict[str, Any]]) -> None:
        pending: dict[str, Any] = {table: [{"PutRequest": {"Item": row}} for row in batch]}
        while pending:
            pending = dynamodb.batch_write_item(RequestItems=pending).get("UnprocessedItems") or {}

    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_WRITE_LIMIT:
            write(batch)
            batch = []
    if batch:
        write(batch)
