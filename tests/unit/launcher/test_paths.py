"""Where a local store keeps its files."""

from pathlib import Path

import pytest

from sagashop_local.paths import StorePaths


@pytest.mark.parametrize(("port", "state"), [(4566, "/shop/.local"), (4666, "/shop/.local/4666")])
def test_each_port_has_a_state_of_its_own(port: int, state: str) -> None:
    paths = StorePaths(port, Path("/shop"))

    assert str(paths.state) == state
    assert str(paths.stack_file) == f"{state}/stack.json"
    assert str(paths.engine_log) == f"{state}/logs/engine.log"
