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

from sagashop_cli import audit
from sagashop_cli.aws import function_name, local_client
from sagashop_cli.bench import lambdas, orders, sustained
from sagashop_cli.bench.figures import Figure
from sagashop_cli.bench.machine import describe_machine, installed_versions
from sagashop_cli.client import Line, StoreClient
from sagashop_cli.errors import SagashopError
from sagashop_cli.paths import StorePaths, environment_python
from sagashop_cli.stack import Stack

PORT_OFFSET = 200
SKU = "product-002"  # Sold one at a time; enough in stock for the whole run.
FEW_ORDERS = 10
COMPARED_ORDERS = 40
TIMED_ORDERS = 100


class BenchmarkFailed(SagashopError):
    """A command that the benchmark runs failed; the text holds what it printed."""


def run_benchmark(root: Path, port: int, console: Console, with_tests: bool) -> bool:
    """Measures, prints the table, keeps the samples; returns whether all targets were met."""
    figures: list[Figure] = []

    def add(*measured: Figure) -> None:
        for figure in measured:
            console.print(f"  {figure.name}: [bold]{figure.value}[/bold]")
            figures.append(figure)

    console.print("Benchmark: a store of its own is started, measured, audited and stopped.")
    with _own_store(root, port + PORT_OFFSET) as (stack, up_seconds, package):
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
        add(*_measure_tests(root))
    machine = describe_machine() | installed_versions(root / ".local" / "envs")
    _print_table(console, figures, machine)
    console.print(f"Samples: {_keep(root, figures, machine)}")
    return all(figure.met is not False for figure in figures)


def _measure_lambda(stack: Stack, package: Path, add: Any) -> None:
    lambda_client = local_client(stack, "lambda", pool_size=lambdas.CALLERS)
    add(*lambdas.measure_invoke(lambda_client, function_name(stack, "InventoryApiFunction")))
    functions = {
        function["Handler"]: function.get("Environment", {}).get("Variables", {})
        for page in lambda_client.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    }
    add(lambdas.measure_imports(environment_python("runtime"), package, functions))


def _measure_orders(stack: Stack, add: Any) -> None:
    client = StoreClient(stack.api_url)
    orders.time_orders(client, FEW_ORDERS, SKU)
    few = orders.time_orders(client, COMPARED_ORDERS, SKU)
    add(orders.order_figure(few + orders.time_orders(client, TIMED_ORDERS - len(few), SKU)))
    add(orders.measure_rush(stack.api_url))
    dynamodb = local_client(stack, "dynamodb")
    add(sustained.measure_sustained(stack.api_url, dynamodb, stack.tables))
    template = client.place_order([Line(SKU, 1)], "tok_visa")
    client.wait_until_ended(template)
    orders.write_history(dynamodb, stack.tables, template, SKU)
    orders.time_orders(client, FEW_ORDERS, SKU)
    add(orders.history_figure(few, orders.time_orders(client, COMPARED_ORDERS, SKU)))


@contextmanager
def _own_store(root: Path, port: int) -> Iterator[tuple[Stack, float, Path]]:
    """Starts an empty store; yields its stack.json, the seconds it took, and its package."""
    paths = StorePaths(port, root)
    own_port = f"PORT={port}"
    _make(root, "down", own_port)
    _make(root, "reset", own_port)
    try:
        started = time.perf_counter()
        _make(root, "up", own_port)
        seconds = time.perf_counter() - started
        yield Stack.load(paths.stack_file), seconds, paths.package
    finally:
        _make(root, "down", own_port)


def _make(root: Path, target: str, *variables: str) -> None:
    _run(["make", "-C", str(root), target, *variables])


def _measure_tests(root: Path) -> list[Figure]:
    """Times the unit tests, then the whole suite as `make test` runs it."""
    started = time.perf_counter()
    _make(root, "test", "T=tests/unit")
    unit = time.perf_counter() - started
    started = time.perf_counter()
    _make(root, "test")
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


def _keep(root: Path, figures: list[Figure], machine: dict[str, str]) -> Path:
    """Writes the raw samples as JSON; returns where."""
    folder = root / ".local" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    record = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(record, indent=2))
    return path
