"""What an engine and its workers use of the machine."""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil


@dataclass(frozen=True)
class Usage:
    """Memory of the engine, memory and number of its other processes, and CPU time of all."""

    engine_mb: float
    workers_mb: float
    workers: int
    cpu_seconds: float

    def __sub__(self, before: "Usage") -> str:
        """Returns in words what has been used since."""
        return (
            f"engine {self.engine_mb:.0f} MB ({self.engine_mb - before.engine_mb:+.0f}), "
            f"{self.workers} workers {self.workers_mb:.0f} MB "
            f"({self.workers_mb - before.workers_mb:+.0f}), "
            f"{self.cpu_seconds - before.cpu_seconds:.1f} s of CPU"
        )


def engine_at(endpoint_url: str) -> psutil.Process:
    """Returns the process that listens there."""
    port = urlsplit(endpoint_url).port
    (pid,) = {
        listener.pid
        for listener in psutil.net_connections("tcp")
        if listener.status == psutil.CONN_LISTEN and listener.laddr.port == port
    }
    assert pid is not None
    return psutil.Process(pid)


def usage(engine: psutil.Process) -> Usage:
    """Measures now. The memory is what a process does not share with others."""
    workers_mb, workers = 0.0, 0
    # With those that have ended: `cpu_times` has the times of an ended child.
    cpu_seconds = sum(engine.cpu_times()[:4])
    for worker in engine.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            workers_mb += worker.memory_full_info().uss / 1e6
            cpu_seconds += sum(worker.cpu_times()[:4])
            workers += 1
    return Usage(engine.memory_full_info().uss / 1e6, workers_mb, workers, cpu_seconds)
