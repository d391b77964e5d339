"""Runs the benchmark on a store of its own, so that nobody's orders are disturbed."""

import json
import subprocess
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from sagashop_ops import audit
from sagashop_ops.aws import Deployment
from sagashop_ops.bench import accounts, lambdas, live, orders
from sagashop_ops.bench.figures import Figure, at_most, describe_machine
from sagashop_ops.bench.size import measure_size
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.errors import BenchmarkFailed
from sagashop_ops.stack import PROJECT_ROOT, Stack, state_folder

PARTS = ("size", "store", "tests")
PORT_OFFSET = 200
SKU = "product-002"  # Sold one at a time; enough in stock for the whole run.
FEW_ORDERS = 10
COMPARED_ORDERS = 40
TIMED_ORDERS = 100


def run_benchmark(port: int, console: Console, parts: Collection[str] = PARTS) -> bool:
    """Measures, prints the table, keeps the samples; returns whether all targets were met."""
    figures = []
    for figure in _measure(port + PORT_OFFSET, parts):
        console.print(f"  {figure.name}: [bold]{figure.value}[/bold]")
        figures.append(figure)
    machine = describe_machine()
    table = Table("figure", "measured", "target", "met")
    for figure in figures:
        met = "yes" if figure.met else "[red]NO[/red]"
        table.add_row(figure.name, figure.value, figure.target, met)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))
    console.print(f"Samples: {_keep(figures, machine)}")
    return all(figure.met for figure in figures)


def _measure(port: int, parts: Collection[str]) -> Iterator[Figure]:
    if "size" in parts:
        yield from measure_size()
    if "store" in parts:
        yield from _measure_store(port)
    if "tests" in parts:
        yield at_most("unit tests", _make("test", "T=tests/unit"), 8, "s")
        yield at_most("make test", _make("test"), 300, "s")


def _measure_store(port: int) -> Iterator[Figure]:
    with _own_store(port) as (stack, up_seconds):
        client = StoreClient(stack.api_url)
        yield at_most("make up, environments installed, store stopped", up_seconds, 20, "s")
        (first,) = orders.time_orders(client, 1, SKU)
        yield at_most("first order after make up, functions cold", first, 1.5, "s")
        orders.time_orders(client, FEW_ORDERS, SKU)
        few = orders.time_orders(client, COMPARED_ORDERS, SKU)
        yield orders.order_figure(few + orders.time_orders(client, TIMED_ORDERS - len(few), SKU))
        yield _measure_workers(port)
        function = Deployment.of(stack).functions["InventoryApi"]
        yield from lambdas.measure_invoke(stack, function)
        yield lambdas.measure_imports(stack, state_folder(port) / "package")
        yield accounts.measure_sign_in(client)
        yield live.measure_updates(client, stack.websocket_url, SKU)
        yield orders.measure_rush(stack.api_url)
        yield orders.measure_sustained(stack)
        template = client.place_order([Line(SKU, 1)], "tok_visa")
        client.wait_until_ended(template)
        orders.write_history(stack, template, SKU)
        orders.time_orders(client, FEW_ORDERS, SKU)
        yield orders.history_figure(few, orders.time_orders(client, COMPARED_ORDERS, SKU))
        wrong = audit.audit(audit.read_books(stack)).discrepancies
        value = f"{len(wrong)} discrepancies" if wrong else "holds"
        yield Figure("audit of the benchmark's store", value, "holds", not wrong)


def _measure_workers(port: int) -> Figure:
    """Counts the processes that the engine started for the functions, and their own memory."""
    records = json.loads((state_folder(port) / "processes.json").read_text(encoding="utf-8"))
    (engine,) = (record["pid"] for record in records if record["name"] == "engine")
    processes = psutil.Process(engine).children(recursive=True)
    sizes = [process.memory_full_info().uss / 2**20 for process in processes]
    return Figure(
        f"worker processes after {1 + FEW_ORDERS + TIMED_ORDERS} orders, unique set size",
        f"{len(sizes)}, {sum(sizes):.0f} MiB",
        "<= 14, <= 500 MiB",
        len(sizes) <= 14 and sum(sizes) <= 500,
        unit="MiB",
        samples=sizes,
    )


@contextmanager
def _own_store(port: int) -> Iterator[tuple[Stack, float]]:
    """Starts an empty store; yields its stack.json, and the seconds that the start took."""
    own_port = f"PORT={port}"
    _make("down", own_port)
    _make("reset", own_port)
    try:
        seconds = _make("up", own_port)
        yield Stack.load(state_folder(port) / "stack.json"), seconds
    finally:
        _make("down", own_port)


def _make(target: str, *variables: str) -> float:
    """Makes a target; returns the seconds that it took. Raises BenchmarkFailed."""
    command = ["make", "-C", str(PROJECT_ROOT), target, *variables]
    started = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        output = (result.stdout + result.stderr)[-4000:]
        raise BenchmarkFailed(f"`{' '.join(command)}` failed:\n{output}")
    return time.perf_counter() - started


def _keep(figures: list[Figure], machine: dict[str, str]) -> Path:
    """Writes the raw samples as JSON; returns the file."""
    folder = PROJECT_ROOT / ".local" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    record = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(record, indent=2))
    return path
