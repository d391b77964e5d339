"""The patches of LocalStack, in the engine's own environment.

Each is for one source of the function that it replaces, and has a test that fails without it.
"""

import ast
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
PYTHON = TESTS.parent / ".local" / "envs" / "engine" / "bin" / "python"
CHECKS = HERE / "engine_checks.py"


def names_of(module: Path) -> list[str]:
    """The names of a module's test functions."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [name for name in names if name.startswith("test_")]


@pytest.fixture(scope="module")
def engine() -> dict[str, Any]:
    """What LocalStack's patches are, and how each test in engine_checks.py ended."""
    run = subprocess.run(
        [PYTHON, "-P", CHECKS], check=True, capture_output=True, text=True, timeout=300
    )
    ran: dict[str, Any] = json.loads(run.stdout)
    return ran


@pytest.mark.parametrize("name", names_of(CHECKS))
def test_localstack_is_patched(engine: dict[str, Any], name: str) -> None:
    assert engine["checks"][name] is None, engine["checks"][name]


def test_every_patched_function_is_the_one_that_the_patch_was_written_for(
    engine: dict[str, Any],
) -> None:
    changed = {
        patch["name"]: f"look at the patch again, then write source={patch['present_source']!r}"
        for patch in engine["patches"]
        if patch["source"] != patch["present_source"]
    }

    assert not changed


def test_every_patch_gives_its_reason_and_a_test(engine: dict[str, Any]) -> None:
    modules = [CHECKS, *TESTS.glob("integration/*/test_*.py")]
    known = {name for module in modules for name in names_of(module)}

    assert engine["patches"]
    for patch in engine["patches"]:
        assert patch["reason"], patch["name"]
        assert patch["test"] in known, patch["name"]
