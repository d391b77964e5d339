"""Stores of the tests' own, started and stopped through the command-line tool."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sagashop_local.parameters import VARIABLE
from sagashop_local.paths import StorePaths
from sagashop_ops.audit import OPEN, Books, audit
from sagashop_ops.stack import Stack

# Short enough for a test to see it end, long enough for one to pay on a loaded machine.
PAYMENT_WAIT_SECONDS = 8
# What is left behind, the tests look for themselves.
PARAMETERS = f"PaymentWaitSeconds={PAYMENT_WAIT_SECONDS},SweepMinutes=15"


@contextmanager
def new_store(port: int) -> Iterator[Stack]:
    """Starts a store with new books on a port, and stops it at the end, by Ctrl-C too.

    What an earlier one left on that port is deleted.
    """
    paths = StorePaths(port)
    # A cancelled CI job gets SIGTERM, which would end us without a chance to stop the store.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_cli("down", port=port)  # it may still run, where the tests were killed
        shutil.rmtree(paths.state, ignore_errors=True)
        run_cli("up", port=port)
        yield Stack.load(paths.stack_file)
    finally:
        run_cli("down", port=port)


def run_cli(*arguments: str, port: int) -> str:
    """Runs the command-line tool for the store on a port; returns what it printed.

    Fails with its output where its exit code isn't 0.
    """
    result = subprocess.run(
        [sys.executable, "-m", "sagashop_local.main", *arguments],
        env={VARIABLE: PARAMETERS} | os.environ | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"`sagashop {' '.join(arguments)}` failed:\n{result.stdout}"
    return result.stdout


def what_is_wrong(books: Books) -> list[str]:
    """Returns in words where stock or money went missing, and whether orders are still open."""
    report = audit(books)
    open_orders = sum(report.orders_by_status.get(status, 0) for status in OPEN)
    unfinished = [f"orders by status: {dict(report.orders_by_status)}"] if open_orders else []
    return [*report.discrepancies, *unfinished]
