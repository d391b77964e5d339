"""Small bugs are planted in copies of the code, and other tests have to find each of them.

A few are looked for always; all of them with `make test-full`. PLANTED_BUGS=docs/planted-bugs.md
writes the table there.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.planted_bugs import BUGS, Bug
from support.planting import Search, looked_for_by, mutated, search, search_all, table
from support.template import ROOT

_AUDIT = ["tests/model/test_played_orders.py::test_the_audit_finds_nothing"]
# Each with the tests that find it quickly: the audit above all, which knows nothing of the code.
QUICK = {
    "one-unit-is-reserved": _AUDIT,
    "the-price-of-one-unit": _AUDIT,
    "an-empty-parcel": _AUDIT,
    "a-completed-order-is-undone": ["tests/unit/order/test_order_domain.py"],
    "a-stale-execution-writes": ["tests/unit/order/test_order_saga.py"],
    "a-catch-is-gone": ["tests/statemachine/test_saga_definition.py"],
}
PAGE_FILE = ROOT / "docs" / "planted-bugs.md"
PAGE = """\
# Planted bugs

Tests that pass prove little until it is known what they would find. So each of these bugs is
planted in a copy of the code, alone, and the tests of that copy have to find it. The table is
written by the test that checks it:

    PLANTED_BUGS=docs/planted-bugs.md make test-full T=tests/planted

Who looks for a bug:

- **unit tests**: those of the service that the bug is in.
- **contracts**: the events against their schemas and consumers, and the docs against the code.
- **state machine**: rules and paths of the definition, with scripted functions.
- **model**: whole orders, played with the real handlers, each of which has to end in its own way;
  and replays of what had once gone wrong.
- **audit**: the same plays, and then only what is stored and what the partners recorded, held
  against what the customers were promised. It knows nothing of the code, nor of the plays.

"""


@pytest.fixture(scope="module")
def quick_searches() -> Mapping[Bug, Search]:
    """What became of the quick ones."""
    return search_all({bug: QUICK[bug.id] for bug in BUGS if bug.id in QUICK})


@pytest.fixture(scope="module")
def searches(request: pytest.FixtureRequest) -> Mapping[Bug, Search]:
    """What became of every bug that a test was selected for."""
    bugs = {
        item.callspec.params["bug"]: looked_for_by(item.callspec.params["bug"])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.originalname == test_every_planted_bug_is_found.__name__
    }
    found = search_all(bugs)
    if page := os.environ.get("PLANTED_BUGS"):
        Path(page).write_text(f"{PAGE}{table(found)}\n", encoding="utf-8")
    return found


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_bug_can_be_planted(bug: Bug) -> None:
    assert mutated(bug) != (ROOT / bug.file).read_text(encoding="utf-8")


def test_each_bug_is_another_one() -> None:
    assert len({bug.id for bug in BUGS}) == len({bug.words for bug in BUGS}) == len(BUGS) >= 40


def test_the_page_lists_every_bug_and_who_found_it() -> None:
    rows = [line.split(" | ") for line in PAGE_FILE.read_text(encoding="utf-8").splitlines()]
    found_by = {(row[0], row[1]): row[2] for row in rows if len(row) == 3}

    for bug in BUGS:
        assert found_by.get((f"| {bug.words}", f"`{bug.file}`"), "**nothing**") != "**nothing** |"


@pytest.mark.parametrize("bug_id", QUICK)
def test_some_bugs_are_found_quickly(bug_id: str, quick_searches: Mapping[Bug, Search]) -> None:
    (found,) = [found for bug, found in quick_searches.items() if bug.id == bug_id]

    assert not found.trouble, found.output
    assert found.found_by, found.output


@pytest.mark.full
def test_without_a_bug_the_tests_of_a_copy_find_nothing() -> None:
    every_test = [test for bug in BUGS for test in looked_for_by(bug)]

    found = search(None, every_test)

    assert not found.trouble, found.output
    assert not found.found_by, found.output


@pytest.mark.full
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_every_planted_bug_is_found(bug: Bug, searches: Mapping[Bug, Search]) -> None:
    found = searches[bug]

    assert not found.trouble, found.output
    assert found.found_by, f"nothing finds it: {bug.words}"
