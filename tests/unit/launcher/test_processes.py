"""Starting and stopping servers: nothing of ours survives, and nothing else is touched."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sagashop_local import processes
from sagashop_local.processes import ProcessRecord, ProcessTable
from support.waiting import eventually

SLEEP = "import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); {SLEEP}"
PARENT = (
    "import subprocess, sys; "
    f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print(child.pid); child.wait()"
)
ENVIRONMENT = {"PYTHONUNBUFFERED": "1"}


class Servers:
    """Starts Python programs as servers, in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.records: list[ProcessRecord] = []

    def run(self, program: str, name: str = "server") -> ProcessRecord:
        record = processes.start(
            name, [sys.executable, "-c", program], ENVIRONMENT, self._folder, self.log(name)
        )
        self.records.append(record)
        return record

    def log(self, name: str = "server") -> Path:
        return self._folder / f"{name}.log"

    def first_line(self) -> str:
        """Waits for what the server prints first."""
        return eventually(self.log().read_text, until=lambda text: "\n" in text).splitlines()[0]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    started = Servers(tmp_path)
    yield started
    for record in started.records:
        processes.stop(record, grace_seconds=0)


def test_a_started_server_is_found_until_it_is_stopped(servers: Servers) -> None:
    record = servers.run(SLEEP)
    assert processes.find(record)

    processes.stop(record, grace_seconds=5)

    assert processes.find(record) is None
    assert not psutil.pid_exists(record.pid)


def test_a_server_gets_its_own_environment_and_nothing_of_ours(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "x")

    servers.run("import os; print(sorted(os.environ.keys() - {'LC_CTYPE'}))")

    assert servers.first_line() == str(sorted(ENVIRONMENT))


def test_a_server_that_ignores_being_asked_is_killed(servers: Servers) -> None:
    record = servers.run(DEAF)
    servers.first_line()

    processes.stop(record, grace_seconds=0.2)

    assert processes.find(record) is None


def test_the_children_of_a_server_are_stopped_with_it(servers: Servers) -> None:
    record = servers.run(PARENT)
    child = psutil.Process(int(servers.first_line()))

    processes.stop(record, grace_seconds=5)

    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_what_a_dead_server_left_behind_is_stopped(servers: Servers) -> None:
    record = servers.run(PARENT)
    child = psutil.Process(int(servers.first_line()))
    psutil.Process(record.pid).kill()

    processes.stop(record, grace_seconds=5)

    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_process_that_was_given_the_id_of_a_dead_server_is_left_alone() -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) as stranger:
        started_at = psutil.Process(stranger.pid).create_time()
        reused = ProcessRecord("server", stranger.pid, started_at - 60)

        processes.stop(reused, grace_seconds=0)

        assert processes.find(reused) is None
        assert stranger.poll() is None
        stranger.kill()


def test_a_corrected_clock_does_not_hide_a_server(servers: Servers) -> None:
    record = servers.run(SLEEP)

    assert processes.find(replace(record, started_at=record.started_at + 0.5))


def test_the_table_remembers_what_was_started(servers: Servers, tmp_path: Path) -> None:
    table = ProcessTable(tmp_path / "processes.json")
    record = servers.run(SLEEP, "engine")
    table.add(record)

    assert ProcessTable(tmp_path / "processes.json").running("engine") == record
    assert table.running("dynamodb") is None

    table.stop("engine", grace_seconds=5)

    assert table.records() == []
    assert processes.find(record) is None


def test_a_restarted_server_takes_the_place_of_the_one_before(
    servers: Servers, tmp_path: Path
) -> None:
    table = ProcessTable(tmp_path / "processes.json")
    dead = servers.run("pass", "engine")
    table.add(dead)
    alive = servers.run(SLEEP, "engine")
    table.add(alive)

    assert table.records() == [alive]
