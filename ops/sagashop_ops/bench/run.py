"""Runs the benchmark on a store of its own, so that nobody's orders are disturbed."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sagashop_ops import audit
from sagashop_ops.aws import Deployment, client_of
from sagashop_ops.bench import lambdas, orders, sustained
from sagashop_ops.bench.figures import Figure
from sagashop_ops.bench.machine import describe_machine, installed_versions
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.errors import BenchmarkFailed
from sagashop_ops.stack import PROJECT_ROOT, Stack, state_folder

PORT_OFFSET = 200
SKU = "product-002"  # Sold one at a time; enough in stock for the whole run.
FEW_ORDERS = 10
COMPARED_ORDERS = 40
TIMED_ORDERS = 100


def run_benchmark(port: int, console: Console, with_tests: bool) -> bool:
    """Measures, prints the table, keeps the samples; returns whether all targets were met."""
    figures: list[Figure] = []

    def add(*measured: Figure) -> None:
        for figure in measured:
            console.print(f"  {figure.name}: [bold]{figure.value}[/bold]")
            figures.append(figure)

    console.print("Benchmark: a store of its own is started, measured, audited and stopped.")
    with _own_store(port + PORT_OFFSET) as (stack, up_seconds, package):
        add(_at_most("make up, environments installed, store stopped", up_seconds, 20))
        _measure_lambda(stack, package, add)
        _measure_orders(stack, add)
        report = audit.audit(audit.read_books(stack))
        add(
            Figure(
                "audit of the benchmark's store",
                "holds" if report.holds else f"{len(report.discrepancies)} discrepancies",
                "holds",
                report.holds,
            )
        )
    if with_tests:
        add(*_measure_tests())
    machine = describe_machine() | installed_versions(PROJECT_ROOT / ".local" / "envs")
    _print_table(console, figures, machine)
    console.print(f"Samples: {_keep(figures, machine)}")
    return all(figure.met is not False for figure in figures)


def _measure_lambda(stack: Stack, package: Path, add: Any) -> None:
    lambda_client = client_of(stack, "lambda", pool_size=lambdas.CALLERS)
    add(*lambdas.measure_invoke(lambda_client, Deployment.of(stack).functions["InventoryApi"]))
    functions = {
        function["Handler"]: function.get("Environment", {}).get("Variables", {})
        for page in lambda_client.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    }
    add(
        lambdas.measure_imports(PROJECT_ROOT / ".local/envs/runtime/bin/python", package, functions)
    )


def _measure_orders(stack: Stack, add: Any) -> None:
    client = StoreClient(stack.api_url)
    orders.time_orders(client, FEW_ORDERS, SKU)
    few = orders.time_orders(client, COMPARED_ORDERS, SKU)
    add(orders.order_figure(few + orders.time_orders(client, TIMED_ORDERS - len(few), SKU)))
    add(orders.measure_rush(stack.api_url))
    dynamodb = client_of(stack, "dynamodb")
    add(sustained.measure_sustained(stack.api_url, dynamodb, stack.tables))
    template = client.place_order([Line(SKU, 1)], "tok_visa")
    client.wait_until_ended(template)
    orders.write_history(dynamodb, stack.tables, template, SKU)
    orders.time_orders(client, FEW_ORDERS, SKU)
    add(orders.history_figure(few, orders.time_orders(client, COMPARED_ORDERS, SKU)))


@contextmanager
def _own_store(port: int) -> Iterator[tuple[Stack, float, Path]]:
    """Starts an empty store; yields its stack.json, the seconds it took, and its package."""
    folder = state_folder(port)
    own_port = f"PORT={port}"
    _make("down", own_port)
    _make("reset", own_port)
    try:
        started = time.perf_counter()
        _make("up", own_port)
        seconds = time.perf_counter() - started
        yield Stack.load(folder / "stack.json"), seconds, folder / "package"
    finally:
        _make("down", own_port)


def _make(target: str, *variables: str) -> None:
    _run(["make", "-C", str(PROJECT_ROOT), target, *variables])


def _measure_tests() -> list[Figure]:
    """Times the unit tests, then the whole suite as `make test` runs it."""
    started = time.perf_counter()
    _make("test", "T=tests/unit")
    unit = time.perf_counter() - started
    started = time.perf_counter()
    _make("test")
    everything = time.perf_counter() - started
    return [_at_most("unit tests", unit, 15), _at_most("make test", everything, 300)]


def _run(command: list[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        output = (result.stdout + result.stderr)[-4000:]
        raise BenchmarkFailed(f"`{' '.join(command)}` failed:\n{output}")


def _at_most(name: str, seconds: float, limit: float) -> Figure:
    return Figure(name, f"{seconds:.1f} s", f"<= {limit:g} s", seconds <= limit, samples=[seconds])


def _print_table(console: Console, figures: list[Figure], machine: dict[str, str]) -> None:
    table = Table()
    for column in ("figure", "measured", "target", "met"):
        table.add_column(column)
    words = {True: "yes", False: "[red]NO[/red]", None: ""}
    for figure in figures:
        table.add_row(figure.name, figure.value, figure.target, words[figure.met])
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))


def _keep(figures: list[Figure], machine: dict[str, str]) -> Path:
    """Writes the raw samples as JSON; returns where."""
    folder = PROJECT_ROOT / ".local" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    record = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(record, indent=2))
    return path
