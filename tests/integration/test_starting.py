"""Starting a store where something is in the way, and giving up half way: nothing is left."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable, find
from support.engines import is_running
from support.waiting import eventually


@pytest.fixture
def port(stack: dict[str, Any]) -> int:
    """Where no store is."""
    return (urlsplit(stack["endpoint_url"]).port or 0) + 6


@pytest.fixture
def starting(port: int) -> Iterator[subprocess.Popen[str]]:
    """`sagashop up` of a store, under way; it is stopped again at the end."""
    command = [sys.executable, "-m", "sagashop_local.main"]
    environment = os.environ | {"PORT": str(port)}
    # A shell starts background jobs with SIGINT ignored, which every child inherits.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [*command, "up"],
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as up:
        signal.signal(signal.SIGINT, inherited)
        yield up
        up.kill()
    subprocess.run([*command, "down"], env=environment, check=True, stdout=subprocess.DEVNULL)


def servers(port: int) -> list[psutil.Process]:
    """The processes of a store that live."""
    found = map(find, ProcessTable(StorePaths(port).processes_file).records())
    return [process for process in found if process]


@pytest.mark.parametrize(
    "interruption",
    [
        pytest.param(signal.SIGINT, id="SIGINT"),
        pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.full),
    ],
)
def test_an_interrupted_start_leaves_nothing_running(
    port: int, starting: subprocess.Popen[str], interruption: signal.Signals
) -> None:
    started = eventually(lambda: servers(port), until=lambda processes: len(processes) == 2)

    starting.send_signal(interruption)

    assert starting.wait(timeout=60) == 130
    assert not any(is_running(process.pid) for process in started)


def test_a_taken_port_is_told_with_its_holder_and_nothing_is_started(port: int) -> None:
    with closing(socket.create_server(("127.0.0.1", port))):
        up = subprocess.run(
            [sys.executable, "-m", "sagashop_local.main", "up"],
            env=os.environ | {"PORT": str(port)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert up.returncode == 1
    assert f"error: Port {port}, needed for LocalStack, is taken by process {os.getpid()}" in (
        up.stderr
    )
    assert servers(port) == []
