"""Prints which states and transitions the model has reached, and how often."""

import pytest

from support.model_goals import REACHED, table


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the table where any game was played."""
    if REACHED:
        terminalreporter.section("model: states and transitions reached before the clean-up")
        for line in table():
            terminalreporter.line(line)
