"""The account service on a table of its own, with cheap hashes and a clock that stands still."""

from collections.abc import Iterator
from typing import Any

import pytest

from account import wiring
from account.passwords import Passwords
from unit.account.browser import Browser, Browsers


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    """Hashes that take no time; one test looks at the real parameters."""
    cheap = Passwords(memory_kib=8, passes=1)
    monkeypatch.setattr(wiring, "passwords", lambda: cheap)
    return cheap


@pytest.fixture
def service(
    account_table: str, passwords: Passwords, stack_tokens: Any, frozen_clock: Any
) -> Iterator[None]:
    """The service, with nobody in it."""
    wiring.accounts.cache_clear()
    yield
    wiring.accounts.cache_clear()


@pytest.fixture
def browsers(service: None, lambda_context: Any) -> Browsers:
    """Makes browsers."""
    return lambda: Browser(lambda_context)


@pytest.fixture
def browser(browsers: Browsers) -> Browser:
    return browsers()
