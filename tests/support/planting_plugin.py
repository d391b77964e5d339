"""A pytest plugin for a tree with a planted bug: tells which kinds of tests found it.

A kind's tests stop at the first that fails; tests that cannot be collected have failed, too. The
report also says where a search proves nothing, because another tree was tested.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from support.planting import REPORT, Finder, finder_of

_found_by: dict[Finder, str] = {}
_passed: Counter[Finder] = Counter()


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Notes what cannot be collected: the copy without a bug shows that it is the bug's fault."""
    if report.failed:
        _found_by.setdefault(finder_of(report.nodeid), report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Passes over the tests of a kind that has found the bug, before their fixtures are made."""
    if finder_of(item.nodeid) in _found_by:
        pytest.skip("found")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes what a test came to."""
    kind = finder_of(report.nodeid)
    if report.failed:
        _found_by.setdefault(kind, report.nodeid)
    elif report.when == "call":
        _passed[kind] += report.passed


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the report."""
    told = {"found_by": _found_by, "passed": _passed, "strays": _strays(session.config)}
    (session.config.rootpath / REPORT).write_text(json.dumps(told), encoding="utf-8")


def _strays(config: pytest.Config) -> list[str]:
    """Returns the modules that came from the project itself, instead of from the tree."""
    origin, environment = Path(os.environ["PLANTING_ORIGIN"]), Path(sys.prefix).resolve()
    files = {
        Path(module.__file__).resolve()
        for module in list(sys.modules.values())
        if getattr(module, "__file__", None)
    }
    return sorted(
        str(path)
        for path in files
        if path.is_relative_to(origin)
        and not path.is_relative_to(environment)
        and not path.is_relative_to(config.rootpath)
    )
