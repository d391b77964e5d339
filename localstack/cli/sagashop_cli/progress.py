"""Tells what the tool is doing, with times: live on a terminal, one plain line a step elsewhere."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import Progress as LiveDisplay
from rich.progress import ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

TITLE_WIDTH = 44


class Step:
    """A step under way; `note` adds to its line what came of it."""

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


class PlainProgress:
    """Prints a line when a step is done, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        started = time.monotonic()
        step = Step()
        try:
            yield step
        except BaseException:
            self._print("failed", title, started, "")
            raise
        self._print("done", title, started, step.outcome)

    def _print(self, end: str, title: str, started: float, outcome: str) -> None:
        seconds = time.monotonic() - started
        line = f"{end:<7}{title:<{TITLE_WIDTH}}{seconds:5.1f} s  {outcome}"
        self._console.print(line.rstrip(), markup=False, highlight=False, soft_wrap=True)


class ElapsedSeconds(ProgressColumn):
    """The clock of a step: rich's own shows whole seconds only."""

    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished else task.elapsed
        return Text(f"{seconds or 0.0:5.1f} s")


class LiveProgress:
    """Shows the running steps with a spinner and a clock; used as a context manager."""

    def __init__(self, console: Console) -> None:
        self._display = LiveDisplay(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            ElapsedSeconds(),
            TextColumn("[dim]{task.fields[outcome]}"),
            console=console,
        )

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        task = self._display.add_task(f"{title:<{TITLE_WIDTH}}", total=1, outcome="")
        step = Step()
        try:
            yield step
        except BaseException:
            self._display.update(task, outcome="[red]failed[/]")
            self._display.stop_task(task)
            raise
        self._display.update(task, completed=1, outcome=step.outcome)


@contextmanager
def progress_on(console: Console) -> Iterator[Progress]:
    """Yields the progress display that suits the console."""
    if console.is_terminal:
        with LiveProgress(console) as live:
            yield live
    else:
        yield PlainProgress(console)
