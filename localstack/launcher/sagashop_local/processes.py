"""Starts and stops the store's servers, and never touches another process.

A process is recorded by its id *and* the time it started: ids are reused, so the id alone could
name another process. Each server leads its own process group, by which its children are found after
it died.
"""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from sagashop_ops.stack import write_atomically

# The start time is derived from the boot time, which moves a little when the clock is corrected.
START_TIME_TOLERANCE_SECONDS = 2.0
KILL_GRACE_SECONDS = 5.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class ProcessRecord:
    """A process that we started: `started_at` is in seconds since the epoch."""

    name: str
    pid: int
    started_at: float


def start(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    log_file: Path,
) -> ProcessRecord:
    """Starts a server in its own session, its output appended to `log_file`.

    Its own session keeps the terminal's Ctrl-C from reaching it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        child = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # It outlives us on purpose; without a return code, Popen would warn about that.
    child.returncode = 0
    return ProcessRecord(name, child.pid, psutil.Process(child.pid).create_time())


def find(record: ProcessRecord) -> psutil.Process | None:
    """Returns the recorded process while it lives; None when it ended or its id names another."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(record.pid)
        is_ours = abs(process.create_time() - record.started_at) <= START_TIME_TOLERANCE_SECONDS
        if is_ours and _is_alive(process):
            return process
    return None


def stop(record: ProcessRecord, grace_seconds: float) -> None:
    """Terminates a server, and after `grace_seconds` kills it and everything that it started."""
    process = find(record)
    family: list[psutil.Process] = []
    if process:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [process, *process.children(recursive=True)]
            process.terminate()
        _wait_for_end_of([process], grace_seconds)
    survivors = {member.pid: member for member in [*family, *_stragglers(record)]}
    for member in survivors.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    _wait_for_end_of(survivors.values(), KILL_GRACE_SECONDS)


def _wait_for_end_of(stopped: Collection[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(map(_is_alive, stopped)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for process in stopped:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)


def _is_alive(process: psutil.Process) -> bool:
    """Returns whether a process runs; a zombie counts as ended.

    Some machines' init process, which inherits ours, collects zombies only every other second.
    """
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _stragglers(record: ProcessRecord) -> list[psutil.Process]:
    """Returns what is left of a server's process group.

    An id isn't given out again while a group of that id has members. So where the id now belongs to
    another process, our group is gone.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        if find(record) is None and _is_alive(psutil.Process(record.pid)):
            return []
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getpgid(process.pid) == record.pid:
                found.append(process)
    return found


class ProcessTable:
    """The processes of one store, kept in its processes.json."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def records(self) -> list[ProcessRecord]:
        """Returns the started processes, running or not, in the order of starting."""
        try:
            return [ProcessRecord(**row) for row in json.loads(self._path.read_text("utf-8"))]
        except FileNotFoundError:
            return []

    def running(self, name: str) -> ProcessRecord | None:
        """Returns the server of that name while it lives."""
        for record in self.records():
            if record.name == name and find(record):
                return record
        return None

    def add(self, record: ProcessRecord) -> None:
        """Records a process, in place of an earlier one of the same name."""
        others = [known for known in self.records() if known.name != record.name]
        self._save([*others, record])

    def stop(self, name: str, grace_seconds: float) -> None:
        """Stops the server of that name, or the children of a dead one; removes its record."""
        records = self.records()
        for record in records:
            if record.name == name:
                stop(record, grace_seconds)
        self._save([record for record in records if record.name != name])

    def _save(self, records: Sequence[ProcessRecord]) -> None:
        write_atomically(self._path, json.dumps([asdict(r) for r in records], indent=2) + "\n")
