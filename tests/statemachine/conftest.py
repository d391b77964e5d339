"""The state machine to run, and the count of its transitions that the tests have taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from support.saga_definition import Transition, transitions
from support.saga_run import Interpreter, Scenario

TAKEN = pytest.StashKey[set[Transition]]()
COMPLETE = pytest.StashKey[bool]()


@pytest.fixture(scope="module")
def interpreter(request: pytest.FixtureRequest) -> Iterator[Interpreter]:
    """The state machine, made once a module: its executions share nothing."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield Interpreter(on_transition=request.config.stash[TAKEN].add)


@pytest.fixture
def run(interpreter: Interpreter) -> Scenario:
    """An order for which every step succeeds."""
    return Scenario(interpreter)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Notes whether all of this folder's tests are about to run."""
    folder = Path(__file__).parent
    collected = {item.path for item in items}
    config.stash[TAKEN] = set()
    config.stash[COMPLETE] = collected >= set(folder.glob("test_*.py")) and not any(
        "::" in argument for argument in config.args
    )


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A run of some of the tests says nothing about coverage."""
    items[0].config.stash[COMPLETE] = False


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails a complete run that left a transition untaken."""
    if _missing(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Says how many of the transitions were taken, and which were not."""
    if not config.stash.get(COMPLETE, False):
        return
    missing = _missing(config)
    total = len(transitions())
    terminalreporter.section("order saga")
    terminalreporter.line(f"{total - len(missing)} of {total} transitions taken", red=bool(missing))
    for transition in missing:
        terminalreporter.line(f"never taken: {transition}", red=True)


def _missing(config: pytest.Config) -> list[Transition]:
    if not config.stash.get(COMPLETE, False):
        return []
    taken = config.stash[TAKEN]
    return sorted(transition for transition in transitions() if transition not in taken)
