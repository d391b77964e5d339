"""The state machine to run."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from support.saga_coverage import REPORT, Level
from support.saga_run import Interpreter, Scenario


@pytest.fixture(scope="module")
def interpreter(request: pytest.FixtureRequest) -> Iterator[Interpreter]:
    """The state machine, made once a module: its executions share nothing."""
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield Interpreter(request.config.stash[REPORT].levels[Level.PATH])


@pytest.fixture
def run(interpreter: Interpreter) -> Scenario:
    """An order for which every step succeeds."""
    return Scenario(interpreter)
