"""Making operators: by calling the function, never over HTTP; and a repeat changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from account import operators
from shared.errors import ValidationFailed
from unit.account.browser import EMAIL, PASSWORD, Browser, body_of

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]
type Add = Callable[..., dict[str, Any]]

OTHER_PASSWORD = "another long sentence"


@pytest.fixture
def add(service: None, lambda_context: Any) -> Add:
    """Calls the function."""

    def call(email: str = EMAIL, password: str = PASSWORD) -> dict[str, Any]:
        return operators.handler({"email": email, "password": password}, lambda_context)

    return call


def event_types(events: Events) -> list[str]:
    return [event_type for event_type, _ in events()]


def test_an_operator_signs_in_like_anybody(add: Add, browser: Browser) -> None:
    # When
    added = add()
    browser.sign_in()

    # Then
    account = body_of(browser.send("GET", "/accounts/me"))
    assert (account["account_id"], account["role"]) == (added["account_id"], "operator")


def test_adding_an_operator_again_changes_nothing(
    add: Add, browser: Browser, table_events: Events
) -> None:
    # Given
    added = add()
    browser.sign_in()

    # When
    again = add()

    # Then
    assert again == added
    assert browser.refresh()["statusCode"] == 201
    assert event_types(table_events) == ["AccountRegistered"]


def test_an_operator_who_forgot_the_password_gets_another_one(
    add: Add, browser: Browser, table_events: Events, frozen_clock: Any
) -> None:
    # Given
    add()
    browser.sign_in()

    # When
    frozen_clock.advance(seconds=1)
    add(password=OTHER_PASSWORD)

    # Then
    assert browser.refresh()["statusCode"] == 401
    assert browser.sign_in()["statusCode"] == 401
    assert browser.sign_in(password=OTHER_PASSWORD)["statusCode"] == 201
    assert event_types(table_events) == ["AccountRegistered", "PasswordChanged"]


def test_whoever_had_registered_an_operators_address_is_signed_out(
    add: Add, browser: Browser
) -> None:
    # Given
    browser.register(password="the stranger's")
    browser.sign_in(password="the stranger's")

    # When
    add()

    # Then
    assert browser.refresh()["statusCode"] == 401
    assert browser.sign_in(password="the stranger's")["statusCode"] == 401
    assert browser.sign_in()["statusCode"] == 201
    assert body_of(browser.send("GET", "/accounts/me"))["role"] == "operator"


def test_a_short_password_is_refused(add: Add) -> None:
    with pytest.raises(ValidationFailed):
        add(password="short")
