"""Counts which of the saga's states and transitions the tests took, and on which level.

A pytest plugin. The levels are three ways of running the one definition: a state by itself on the
engine, a whole path on an interpreter whose functions are faked, and the store's own executions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from support.saga_definition import Transition, states, transitions

TESTS = Path(__file__).parents[1]


class Level(Enum):
    """How the definition is run; the value is the heading in the report."""

    STATE = "one state"
    PATH = "path"
    REAL = "real run"


# The tests that make up a level; all of them together have to take everything, on the first two
# levels. The real run can't: a store whose every undo gets stuck is not to be had.
TESTS_OF = {
    Level.STATE: {TESTS / "integration" / "test_saga_states.py"},
    Level.PATH: {
        TESTS / "statemachine" / "test_saga_paths.py",
        TESTS / "statemachine" / "test_saga_retries.py",
    },
}


@dataclass
class Coverage:
    """What was taken on one level."""

    states: set[str] = field(default_factory=set)
    transitions: set[Transition] = field(default_factory=set)

    def add(self, entered: Iterable[str], taken: Iterable[Transition]) -> None:
        """Notes what an execution, or a part of one, went through."""
        self.states.update(entered)
        self.transitions.update(taken)


@dataclass
class Report:
    """What was taken on every level, and the levels whose tests all ran."""

    levels: dict[Level, Coverage] = field(
        default_factory=lambda: {level: Coverage() for level in Level}
    )
    complete: set[Level] = field(default_factory=set)

    def plain(self) -> list[tuple[str, bool, list[str], list[tuple[str, ...]]]]:
        """Returns the report as a worker of a parallel run may send it."""
        return [
            (level.name, level in self.complete, [*taken.states], [*map(tuple, taken.transitions)])
            for level, taken in self.levels.items()
        ]

    def add(self, plain: Iterable[tuple[str, bool, list[str], list[tuple[str, ...]]]]) -> None:
        """Adds another worker's report."""
        for name, is_complete, entered, taken in plain:
            self.levels[Level[name]].add(entered, (Transition(*edge) for edge in taken))
            if is_complete:
                self.complete.add(Level[name])

    def missing(self) -> list[str]:
        """Returns in words what a level's tests left out although all of them ran."""
        return [
            f"{level.value}: never {what}"
            for level in Level
            if level in self.complete
            for what in _left_out(self.levels[level])
        ]

    def lines(self) -> list[str]:
        """Returns the table: a line a state, and below it a line for each way out of it."""
        used = [level for level in Level if self.levels[level].states]
        width = max(len(f"  {edge.via} -> {edge.target}") for edge in transitions())
        lines = [f"{'':{width}}" + "".join(f"{level.value:>11}" for level in used)]

        def line(label: str, marks: Iterable[object]) -> str:
            return f"{label:{width}}" + "".join(f"{mark!s:>11}" for mark in marks)

        for name in states():
            lines.append(line(name, (_mark(name in self.levels[level].states) for level in used)))
            lines += [
                line(
                    f"  {edge.via} -> {edge.target}",
                    (_mark(edge in self.levels[level].transitions) for level in used),
                )
                for edge in sorted(transitions())
                if edge.source == name
            ]
        lines.append(
            line(f"{len(states())} states", (len(self.levels[level].states) for level in used))
        )
        lines.append(
            line(
                f"{len(transitions())} transitions",
                (len(self.levels[level].transitions) for level in used),
            )
        )
        return lines


REPORT = pytest.StashKey[Report]()
PARTIAL = pytest.StashKey[set[Level]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begins with nothing taken."""
    config.stash[REPORT] = Report()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notes the levels all of whose tests are about to run."""
    report, collected = session.config.stash[REPORT], {item.path for item in session.items}
    if session.config.option.collectonly:
        return
    if not any("::" in argument for argument in session.config.args):
        report.complete |= {level for level, files in TESTS_OF.items() if files <= collected}
    report.complete -= session.config.stash.get(PARTIAL, set())


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A run of some of a level's tests says nothing about coverage.

    Those that only `make test-full` runs have to take nothing that the others don't.
    """
    missed = {item.path for item in items if item.get_closest_marker("full") is None}
    partial = {level for level, files in TESTS_OF.items() if missed & files}
    items[0].config.stash.setdefault(PARTIAL, set()).update(partial)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Adds what a worker took; one that crashed has failed the run already."""
    if plain := getattr(node, "workeroutput", {}).get("saga_coverage"):
        node.config.stash[REPORT].add(plain)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a complete run that left a state or a transition untaken."""
    worker_output = getattr(session.config, "workeroutput", None)
    if worker_output is not None:
        worker_output["saga_coverage"] = session.config.stash[REPORT].plain()
        return
    if session.exitstatus == pytest.ExitCode.OK and session.config.stash[REPORT].missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints the table where any of the levels ran in full, and no failure explains a gap."""
    report = config.stash[REPORT]
    if not report.complete or terminalreporter.stats.keys() & {"failed", "error"}:
        return
    terminalreporter.section("order saga: states and transitions taken")
    for line in report.lines():
        terminalreporter.line(line)
    for missing in report.missing():
        terminalreporter.line(missing, red=True)


def _left_out(coverage: Coverage) -> list[str]:
    unentered = sorted(set(states()) - coverage.states)
    untaken = sorted(transitions() - coverage.transitions)
    return [*(f"entered {name}" for name in unentered), *(f"took {edge}" for edge in untaken)]


def _mark(is_taken: bool) -> str:
    return "x" if is_taken else "-"
