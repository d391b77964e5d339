"""Shows what the launcher is doing, with times: one line for each step."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

TITLE_WIDTH = 44


@dataclass
class Step:
    """A step under way; its outcome is added to its line."""

    outcome: str = ""


class Progress:
    """Prints a line when a step is done; a terminal shows the running steps as well.

    Steps may overlap, and run on different threads.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._running: list[str] = []
        self._status = console.status("")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        started = time.monotonic()
        step = Step()
        self._running.append(title)
        self._show_running()
        end = "failed"
        try:
            yield step
            end = "done"
        finally:
            self._running.remove(title)
            self._show_running()
            seconds = time.monotonic() - started
            line = f"{end:<7}{title:<{TITLE_WIDTH}}{seconds:5.1f} s  {step.outcome}"
            self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)

    def _show_running(self) -> None:
        with self._lock:
            self._status.update("; ".join(self._running))
            if self._running:
                self._status.start()
            else:
                self._status.stop()


SILENT = Progress(Console(quiet=True))
"""Shows nothing."""
