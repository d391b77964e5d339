"""Plants a bug in a copy of the project, and lets the tests of that copy look for it.

The copy is a tree of its own, from which everything is imported: `support.planting_plugin` runs
inside and proves that. All kinds of finders run in one process; each kind stops at its first find.
"""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from support.planted_bugs import ASL, ORDERS, Bug
from support.template import ROOT

REPORT = "planting.json"
"""What the plugin writes, at the root of the tree."""

# One for each core of a small machine.
_AT_ONCE = 2
_TIMEOUT_SECONDS = 600


class Finder(StrEnum):
    """A kind of tests that may find a bug; the value is how the table calls it."""

    UNIT = "unit tests"
    CONTRACTS = "contracts"
    STATE_MACHINE = "state machine"
    MODEL = "model"
    AUDIT = "audit"


# How the names of each kind's tests begin; the longest counts.
_TESTS = {
    Finder.UNIT: "tests/unit",
    Finder.CONTRACTS: "tests/contracts",
    Finder.STATE_MACHINE: "tests/statemachine",
    Finder.MODEL: "tests/model",
    Finder.AUDIT: "tests/model/test_played_orders.py::test_the_audit",
}


@dataclass(frozen=True)
class Search:
    """What the tests of a tree came to.

    Attributes:
        found_by: of each kind that failed, its first failed test.
        passed: how many tests of each kind passed before.
        trouble: why the search proves nothing; empty where it proves something.
        output: what pytest printed.
    """

    found_by: Mapping[Finder, str]
    passed: Mapping[Finder, int]
    trouble: str
    output: str


def finder_of(test: str) -> Finder:
    """Returns the kind of a test, which is given by pytest's id."""
    fitting = [finder for finder in Finder if test.startswith(_TESTS[finder])]
    return max(fitting, key=lambda finder: len(_TESTS[finder]))


def looked_for_by(bug: Bug) -> list[str]:
    """Returns the tests that look for a bug: its own part's, and those that play whole orders."""
    own = "tests/statemachine" if bug.file == ASL else f"tests/unit/{bug.file.split('/')[1]}"
    return [own, *bug.also, *(ORDERS[bug.section] if bug.shows_in_orders else ())]


def mutated(bug: Bug) -> str:
    """Returns the bug's file with the bug in it.

    Raises AssertionError where the code to replace is not there exactly once, and SyntaxError or
    JSONDecodeError where what comes out is not even code: that would be no bug.
    """
    text = (ROOT / bug.file).read_text(encoding="utf-8")
    start, end = _region(text, bug.state)
    occurrences = text.count(bug.before, start, end)
    assert occurrences == 1, f"{bug.id}: its code is {occurrences} times in {bug.file}"
    planted = text[:start] + text[start:end].replace(bug.before, bug.after) + text[end:]
    json.loads(planted) if bug.file == ASL else ast.parse(planted)
    return planted


def search_all(bugs: Mapping[Bug, Sequence[str]]) -> dict[Bug, Search]:
    """Looks for each bug with the given tests, some at once."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(bugs, pool.map(search, bugs, bugs.values()), strict=True))


def search(bug: Bug | None, tests: Collection[str]) -> Search:
    """Runs tests on a copy of the project with a bug in it; None plants nothing."""
    with TemporaryDirectory(prefix="planted-") as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(ROOT, tree, ignore=_left_out)
        if bug is not None:
            (tree / bug.file).write_text(mutated(bug), encoding="utf-8")
        return _run(tree, tests)


def table(searches: Mapping[Bug, Search]) -> str:
    """Returns the bugs and who found each, as a Markdown table for each section."""
    lines: list[str] = []
    for section, bugs in groupby(searches, key=lambda bug: bug.section):
        lines += [f"## {section}", "", "| bug | file | found by |", "|---|---|---|"]
        for bug in bugs:
            found_by = [finder for finder in Finder if finder in searches[bug].found_by]
            kinds = ", ".join(found_by) or "**nothing**"
            lines.append(f"| {bug.words} | `{bug.file}` | {kinds} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def _region(text: str, state: str | None) -> tuple[int, int]:
    """Returns from where to where a state of the state machine is defined; else the whole file."""
    if state is None:
        return 0, len(text)
    start = text.index(f'\n    "{state}": {{')
    return start, text.index("\n    }", start)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Returns what is not copied: the environments, and what tools keep."""
    return {name for name in names if name.startswith(".")} if Path(folder) == ROOT else set()


def _run(tree: Path, tests: Collection[str]) -> Search:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST"))
    }
    # The plugin is imported before pytest reads `pythonpath`.
    environment |= {"PYTHONPATH": str(tree / "tests"), "PLANTING_ORIGIN": str(ROOT)}
    options = ["-q", "-r", "fE", "--tb=short", "--continue-on-collection-errors"]
    options += ["--hypothesis-seed=0"]
    plugins = ["-p", "no:cacheprovider", "-p", "support.planting_plugin"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *plugins, *dict.fromkeys(tests)],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    report = tree / REPORT
    if not report.exists():
        return Search({}, {}, f"pytest ended with {ran.returncode}", ran.stdout)
    told = json.loads(report.read_text(encoding="utf-8"))
    found_by = {Finder(kind): test for kind, test in told["found_by"].items()}
    passed = {Finder(kind): number for kind, number in told["passed"].items()}
    trouble = [f"{path} is of another tree" for path in told["strays"]]
    if not found_by and not passed:
        trouble.append("no test ran")
    return Search(found_by, passed, "; ".join(trouble), ran.stdout)
