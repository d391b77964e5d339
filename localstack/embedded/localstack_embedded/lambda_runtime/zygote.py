"""Zygotes: warm processes, one a package, that the engine has workers forked from.

The engine itself cannot fork: it has threads. A worker's parent is its zygote, so a socket pair
between the engine and the worker, its channel, stands in for what a parent has: the zygote sends
the pid and the exit status, and the engine's end closes, however the engine ends, which kills the
worker.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from localstack_embedded.lambda_runtime.environment import PROCESS_VARIABLES

_MAIN = Path(__file__).with_name("zygote_main.py")
# A zygote holds some 50 MB; a store has one package.
_MOST_ZYGOTES = 4
_FORK_SECONDS = 10.0
_NUMBER_BYTES = 4


class WorkerProcess:
    """A forked worker, with the methods of `subprocess.Popen`."""

    def __init__(self, channel: socket.socket) -> None:
        """Raises OSError where the zygote ends, or does not fork in time."""
        self._channel = channel
        self._exit_status: int | None = None
        channel.settimeout(_FORK_SECONDS)
        pid = channel.recv(_NUMBER_BYTES)
        if not pid:
            raise OSError("The zygote ended before it forked a worker")
        self.pid = int.from_bytes(pid)
        channel.settimeout(None)

    def fileno(self) -> int:
        """Becomes readable when the process ends."""
        return self._channel.fileno()

    def poll(self) -> int | None:
        """Returns the exit status as `Popen.returncode` does; None while the process runs."""
        with contextlib.suppress(BlockingIOError):
            self._receive_exit_status(socket.MSG_DONTWAIT)
        return self._exit_status

    def wait(self) -> None:
        self._receive_exit_status(0)

    def _receive_exit_status(self, flags: int) -> None:
        if self._exit_status is None:
            status = self._channel.recv(_NUMBER_BYTES, flags)
            # Nothing but the end of the channel where the zygote was killed before its worker.
            self._exit_status = int.from_bytes(status, signed=True) if status else -signal.SIGKILL

    def kill(self) -> None:
        """Kills the process and all that it started. For any thread."""
        # The group outlives its leader where the function started processes of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self._channel.close()


class Zygote:
    """A process that has imported what the functions of one package share."""

    def __init__(self, python: Path, package: Path, generation: str) -> None:
        """Starts it and returns at once; the first fork waits until it is warm."""
        self._generation = generation
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                # -s: no packages of the user's home; -P: not the directory of zygote_main.py.
                [python, "-s", "-P", _MAIN, str(theirs.fileno()), package],
                cwd=package,
                # macOS would end a worker that touches Apple's frameworks: see ADR 0017.
                env=PROCESS_VARIABLES | {"OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def serves(self, generation: str) -> bool:
        return self._generation == generation and self._process.poll() is None

    def ask_for_fork(self, channel: socket.socket, output: int) -> None:
        """Has a worker forked, which gets the two descriptors. Raises OSError if it has ended."""
        socket.send_fds(self._control, [b"f"], [channel.fileno(), output])

    def close(self) -> None:
        """Lets it end, which it does after the last of its workers."""
        self._control.close()
        threading.Thread(target=self._process.wait, name="lambda-zygote-end", daemon=True).start()


class Zygotes:
    """The engine's zygotes, by package; for any thread."""

    def __init__(self, python: Path) -> None:
        self._python = python
        self._lock = threading.Lock()
        # The one that was used last comes last.
        self._zygotes: dict[Path, Zygote] = {}

    def warm(self, package: Path, generation: str) -> None:
        """Starts a zygote unless there is one for this state of the package's code.

        Raises OSError where the interpreter or the package is missing.
        """
        with self._lock:
            self._of(package, generation)

    def fork(
        self, package: Path, generation: str, worker: Mapping[str, object], output: int
    ) -> WorkerProcess:
        """Has a worker forked, and waits for its pid.

        `worker` is what `serve_calls` in zygote_main.py reads; `output` the descriptor that it
        writes to. Raises OSError.
        """
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(ours.close)
            # Under the lock, so that a zygote that another call replaces has read this first.
            with theirs, self._lock:
                self._of(package, generation).ask_for_fork(theirs, output)
            ours.sendall(json.dumps(worker).encode() + b"\n")
            process = WorkerProcess(ours)
            on_failure.pop_all()
        return process

    def close(self) -> None:
        """Lets all zygotes end, each after the last of its workers."""
        with self._lock:
            for zygote in self._zygotes.values():
                zygote.close()
            self._zygotes.clear()

    def _of(self, package: Path, generation: str) -> Zygote:
        zygote = self._zygotes.pop(package, None)
        if zygote is not None and not zygote.serves(generation):
            zygote.close()
            zygote = None
        self._zygotes[package] = zygote or Zygote(self._python, package, generation)
        if len(self._zygotes) > _MOST_ZYGOTES:
            self._zygotes.pop(next(iter(self._zygotes))).close()
        return self._zygotes[package]
