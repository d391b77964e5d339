"""How soon those who watch an order hear of its changes."""

import json
import time
from datetime import datetime

from websockets.sync.client import connect

from sagashop_ops.bench.figures import Figure, percentile
from sagashop_ops.client import ENDED, Line, StoreClient

ORDERS = 40
PATIENCE_SECONDS = 60.0


def measure_updates(client: StoreClient, websocket_url: str, sku: str) -> Figure:
    """Watches orders from their placing to their end, one after another.

    A sample is the time from a change, as the order's row tells it, to its message. The row was
    written a moment later than it tells, so this is no less than it takes.
    """
    samples: list[float] = []
    for _ in range(ORDERS):
        order_id = client.place_order([Line(sku, 1)], "tok_visa")
        samples += _watch(order_id, f"{websocket_url}?token={client.order_token(order_id)}")
    p50, p95 = percentile(samples, 50), percentile(samples, 95)
    return Figure(
        f"state change to client, {len(samples)} changes of {ORDERS} orders, p50 / p95",
        f"{p50:.2f} / {p95:.2f} s",
        "p95 <= 0.5 s",
        p95 <= 0.5,
        samples=samples,
    )


def _watch(order_id: str, address: str) -> list[float]:
    """Returns how old each change was when it came; the reply, which has the state of then, has
    none.
    """
    ages: list[float] = []
    with connect(address, open_timeout=PATIENCE_SECONDS, compression=None, proxy=None) as socket:
        socket.send(json.dumps({"action": "subscribe", "order_id": order_id}))
        known = None
        while True:
            message = json.loads(socket.recv(timeout=PATIENCE_SECONDS))
            now, order = time.time(), message["order"]
            if known is not None and message["sequence"] > known:
                ages.append(now - datetime.fromisoformat(order["updated_at"]).timestamp())
            known = max(known or 0, message["sequence"])
            if order["status"] in ENDED:
                return ages
