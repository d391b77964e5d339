"""Counts the described answers of the HTTP API that the tests saw; fails where some are missing.

A pytest plugin. All unit and integration tests together have to see all of them.
"""

from pathlib import Path
from typing import Any

import pytest

from support.api_answers import SEEN, UNSEEN, missing
from support.api_description import Described, answers

TESTS = Path(__file__).parents[1]
ALL = {path for level in ("unit", "integration") for path in (TESTS / level).rglob("test_*.py")}
COMPLETE = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Notes whether all of the tests are about to run."""
    is_chosen = any("::" in argument for argument in config.args)
    is_all = {item.path for item in items} >= ALL
    config.stash[COMPLETE] = is_all and not is_chosen and not config.option.collectonly


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A run of some of the tests says nothing; those marked `full` have to see nothing new."""
    if any(item.path in ALL and item.get_closest_marker("full") is None for item in items):
        items[0].config.stash[COMPLETE] = False


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Adds what a worker of a parallel run saw; one that crashed has failed it already."""
    is_complete, seen = getattr(node, "workeroutput", {}).get("api_answers", (False, []))
    SEEN.update(Described(*each) for each in seen)
    if is_complete:
        node.config.stash[COMPLETE] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a complete run that has not seen every answer."""
    is_complete = session.config.stash.get(COMPLETE, False)
    worker_output = getattr(session.config, "workeroutput", None)
    if worker_output is not None:
        seen = [(each.route, each.status, each.code) for each in SEEN]
        worker_output["api_answers"] = (is_complete, seen)
        return
    if session.exitstatus == pytest.ExitCode.OK and is_complete and missing():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints what was seen, where all tests ran and no failure explains a gap."""
    if not config.stash.get(COMPLETE, False) or terminalreporter.stats.keys() & {"failed", "error"}:
        return
    terminalreporter.section("HTTP API: described answers")
    terminalreporter.line(f"{len(SEEN)} of {len(answers())} seen")
    for reason_of, reason in UNSEEN.items():
        terminalreporter.line(f"not seen: {reason_of}: {reason}")
    for each in missing():
        terminalreporter.line(f"never seen: {each}", red=True)
