"""Shows what the launcher is doing, with times: one line for each step."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console

TITLE_WIDTH = 44


class Step:
    """A step under way; `note` adds its result to its line."""

    def __init__(self) -> None:
        self.outcome = ""

    def note(self, outcome: str) -> None:
        self.outcome = outcome


class Progress(Protocol):
    """Shows steps. Steps may overlap, and run on different threads."""

    def step(self, title: str) -> AbstractContextManager[Step]: ...


class SilentProgress:
    """Shows nothing: for tests and for programs that use the store's functions."""

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        yield Step()


class ConsoleProgress:
    """Prints a line when a step is done; a terminal shows the running steps as well."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: list[str] = []
        self.running_steps = console.status("")

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        started = time.monotonic()
        step = Step()
        self._running.append(title)
        self.running_steps.update("; ".join(self._running))
        end = "failed"
        try:
            yield step
            end = "done"
        finally:
            self._running.remove(title)
            self.running_steps.update("; ".join(self._running))
            seconds = time.monotonic() - started
            line = f"{end:<7}{title:<{TITLE_WIDTH}}{seconds:5.1f} s  {step.outcome}"
            self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Yields a progress display on the console."""
    progress = ConsoleProgress(console)
    with progress.running_steps:
        yield progress
