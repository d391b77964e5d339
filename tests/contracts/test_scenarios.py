"""docs/scenarios.md names commands, tests and pages that are there."""

import re

import pytest

from support.template import ROOT

DOCS = ROOT / "docs"
SCENARIOS = (DOCS / "scenarios.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z-]+)", SCENARIOS))))
def test_a_command_is_a_target_of_the_makefile(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\bT=(tests[\w/.]+)", SCENARIOS))))
def test_a_test_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", SCENARIOS))))
def test_a_link_leads_somewhere(link: str) -> None:
    page, _, heading = link.partition("#")
    if page:
        assert (DOCS / page).exists()
        return
    headings = re.findall(r"^## (.+)$", SCENARIOS, re.MULTILINE)
    assert heading in {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings}
