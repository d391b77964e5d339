"""Prints which states and transitions the model has reached; fails a run that reached too few.

A pytest plugin. `make test` has to reach QUICK_SHARE of the list, `make test-full` all of it. A run
of some of the games says nothing about that.
"""

from typing import Any

import pytest

from support.model_goals import GOALS, REACHED, missing, table
from support.template import ROOT

QUICK_SHARE = 0.8
GAMES = ROOT / "tests" / "model" / "test_interleavings.py"
SHARE = pytest.StashKey[float]()
PARTIAL = pytest.StashKey[bool]()


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Notes that games were left out that any run should play."""
    if any(item.path == GAMES and item.get_closest_marker("full") is None for item in items):
        items[0].config.stash[PARTIAL] = True


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notes which share of the list the games that are about to be played have to reach."""
    games = [item for item in session.items if item.path == GAMES]
    is_chosen = any("::" in argument for argument in session.config.args)
    if not games or is_chosen or session.config.stash.get(PARTIAL, False):
        return
    is_full = any(item.get_closest_marker("full") for item in games)
    session.config.stash[SHARE] = 1.0 if is_full else QUICK_SHARE


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Adds what a worker of a parallel run reached; one that crashed has failed it already."""
    share, reached = getattr(node, "workeroutput", {}).get("model_coverage", (None, {}))
    REACHED.update(reached)
    if share is not None:
        node.config.stash[SHARE] = share


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a run whose games reached too little."""
    worker_output = getattr(session.config, "workeroutput", None)
    if worker_output is not None:
        share = session.config.stash.get(SHARE, None)
        worker_output["model_coverage"] = (share, dict(REACHED))
        return
    if session.exitstatus == pytest.ExitCode.OK and not _is_enough(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints the table where the games were played as a whole, and no failure explains a gap."""
    if SHARE not in config.stash or terminalreporter.stats.keys() & {"failed", "error"}:
        return
    terminalreporter.section("model: states and transitions reached before the clean-up")
    for line in table():
        terminalreporter.line(line)
    if not _is_enough(config):
        terminalreporter.line(f"too little: never reached {', '.join(missing())}", red=True)


def _is_enough(config: pytest.Config) -> bool:
    # Nothing was played where the tests were only listed.
    if SHARE not in config.stash or not REACHED:
        return True
    return len(GOALS) - len(missing()) >= config.stash[SHARE] * len(GOALS)
