"""Whether a port is free, and who holds it where it isn't."""

import contextlib
import shlex
import socket
import time

import psutil

from sagashop_local.errors import PortTaken

LOOPBACK = "127.0.0.1"
ENDING_SECONDS = 2.0
POLL_SECONDS = 0.05


def ensure_free(port: int, purpose: str) -> None:
    """Raises `PortTaken`, naming the holder where it can be seen, unless we could listen there.

    Where no holder can be seen, it may be a server that is ending: its main thread is gone, so it
    counts as dead, and its other threads end soon. So it gets a moment.
    """
    deadline = time.monotonic() + ENDING_SECONDS
    while not _is_free(port):
        holder = holder_of(port)
        if holder or time.monotonic() > deadline:
            raise PortTaken(port, purpose, holder)
        time.sleep(POLL_SECONDS)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that lingers after a server's end doesn't hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def holder_of(port: int) -> str | None:
    """Describes the process that listens on a port; None where the system doesn't let us see it."""
    with contextlib.suppress(psutil.AccessDenied):  # macOS shows them to root only
        for connection in psutil.net_connections(kind="tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr and connection.laddr.port == port and connection.pid:
                return _describe(connection.pid)
    return None


def _describe(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return f"process {pid} ({shlex.join(process.cmdline()) or process.name()})"
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return f"process {pid}"
