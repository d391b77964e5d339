"""Looks at a page with axe-core, by all its rules for WCAG 2.2 AA and its best practices."""

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

# The rule for the size of targets (2.5.8) is the one of WCAG 2.2 AA that has to be asked for.
_OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def is_accessible(page: Page, what: str = "") -> None:
    """Fails with axe's report where it finds anything; `what` says what was looked at."""
    results = Axe().run(page, options=_OPTIONS)
    assert results.violations_count == 0, f"{what}: {results.generate_report()}"
