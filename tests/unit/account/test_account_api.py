"""Accounts over HTTP: registering, changing the password, deleting, and nothing that leaks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from account import wiring
from account.passwords import Passwords
from builders import ORDER_ID, a_request
from shared import dynamodb
from shared.tokens import Tokens
from unit.account.browser import EMAIL, PASSWORD, Browser, Browsers, Response, api, body_of

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]
type Logged = Callable[[], list[dict[str, Any]]]

OTHER_PASSWORD = "another long sentence"


def rows() -> list[dict[str, Any]]:
    """What the service's table holds, without the counters."""
    items = dynamodb.client().scan(TableName="sagashop-unit")["Items"]
    found = map(dynamodb.from_item, items)
    return [row for row in found if not row["pk"].startswith("LIMIT#")]


def test_who_registers_can_sign_in(browser: Browser, table_events: Events) -> None:
    # When
    registered = browser.register()
    signed_in = browser.sign_in()

    # Then
    assert (registered["statusCode"], signed_in["statusCode"]) == (201, 201)
    account = body_of(browser.send("GET", "/accounts/me"))
    assert account == body_of(registered)
    assert account["email"] == EMAIL
    assert (account["name"], account["role"]) == ("Ada", "customer")
    ((event_type, event),) = table_events()
    assert (event_type, event["data"]) == (
        "AccountRegistered",
        {"account_id": account["account_id"]},
    )


@pytest.mark.parametrize("email", [EMAIL, "ada@example.com", " ADA@EXAMPLE.COM "])
def test_an_address_has_one_account_however_it_is_written(email: str, browser: Browser) -> None:
    # Given
    browser.register()

    # When
    again = browser.register(email)

    # Then
    assert (again["statusCode"], body_of(again)["code"]) == (409, "EMAIL_TAKEN")
    assert browser.sign_in(email)["statusCode"] == 201


def test_nobody_registers_as_an_operator(browser: Browser) -> None:
    # When
    body = {"email": EMAIL, "name": "Ada", "password": PASSWORD, "role": "operator"}
    response = browser.send("POST", "/accounts", body)

    # Then
    assert body_of(response)["role"] == "customer"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
        ({"email": "ada@example.com\r\nBcc: all@example.com"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"password": "7 chars"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "\ud800" * 8}, "password"),
        ({"password": 12_345_678}, "password"),
        ({"password": None}, "password"),
    ],
)
def test_a_registration_with_a_wrong_field_names_it_and_not_its_value(
    changed: dict[str, Any], field: str, browser: Browser
) -> None:
    # When
    body = {"email": EMAIL, "name": "Ada", "password": PASSWORD, **changed}
    response = browser.send("POST", "/accounts", body)

    # Then
    assert response["statusCode"] == 422
    assert [error["field"] for error in body_of(response)["errors"]] == [field]
    assert not rows()


@pytest.mark.parametrize("password", ["8 signs!", "x" * 128, "  blanks count  ", "päßwörd 🔑"])
def test_a_password_is_taken_as_it_is(password: str, browser: Browser) -> None:
    # Given
    browser.register(password=password)

    # Then
    assert browser.sign_in(password=password)["statusCode"] == 201
    assert browser.sign_in(password=password[:-1])["statusCode"] == 401


def test_a_password_may_be_typed_on_another_keyboard(browser: Browser) -> None:
    # Given: é as one character, and as an e with an accent
    browser.register(password="caf\u00e9 cr\u00e8me")

    # Then
    assert browser.sign_in(password="cafe\u0301 cre\u0300me")["statusCode"] == 201


def test_only_hashes_of_passwords_and_tokens_are_stored(browser: Browser) -> None:
    # When
    browser.register()
    browser.sign_in()

    # Then
    stored = str(rows())
    assert "$argon2id$" in stored
    secret = browser.refresh_token.rpartition(".")[2]
    assert not any(part in stored for part in (PASSWORD, secret, browser.access_token))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/me"),
        ("DELETE", "/accounts/me"),
        ("POST", "/accounts/me/password"),
        ("DELETE", "/sessions/current"),
    ],
)
def test_an_account_is_its_owners(
    method: str, path: str, browser: Browser, stack_tokens: Tokens, frozen_clock: Any
) -> None:
    # Without a token
    refused = browser.send(method, path, {})
    assert (refused["statusCode"], body_of(refused)["code"]) == (401, "UNAUTHORIZED")

    # With an order's
    browser.access_token = stack_tokens.for_order(ORDER_ID, frozen_clock.at)
    refused = browser.send(method, path, {})
    assert (refused["statusCode"], body_of(refused)["code"]) == (401, "INVALID_TOKEN")


def test_a_changed_password_replaces_the_old_one_and_signs_everybody_else_out(
    browser: Browser, browsers: Browsers, table_events: Events, frozen_clock: Any
) -> None:
    # Given
    elsewhere = browsers()
    browser.register()
    browser.sign_in()
    elsewhere.sign_in()

    # When
    frozen_clock.advance(seconds=1)
    changed = browser.change_password(PASSWORD, OTHER_PASSWORD)

    # Then
    assert changed["statusCode"] == 200
    assert browser.refresh()["statusCode"] == 201
    assert elsewhere.refresh()["statusCode"] == 401
    assert browser.sign_in()["statusCode"] == 401
    assert browser.sign_in(password=OTHER_PASSWORD)["statusCode"] == 201
    assert [event_type for event_type, _ in table_events()] == [
        "AccountRegistered",
        "PasswordChanged",
    ]


def test_each_change_of_a_password_is_an_event_of_its_own(
    browser: Browser, table_events: Events
) -> None:
    # Given
    browser.register()
    browser.sign_in()

    # When
    browser.change_password(PASSWORD, OTHER_PASSWORD)
    browser.change_password(OTHER_PASSWORD, PASSWORD)

    # Then
    ids = {event["metadata"]["event_id"] for _, event in table_events()}
    assert len(ids) == 3


def test_the_password_changes_only_for_who_knows_it(browser: Browser) -> None:
    # Given
    browser.register()
    browser.sign_in()

    # When
    refused = browser.change_password("not the password", OTHER_PASSWORD)

    # Then: it is no 401, which would tell a client to sign in again
    assert refused["statusCode"] == 422
    assert [error["field"] for error in body_of(refused)["errors"]] == ["current_password"]
    assert browser.sign_in()["statusCode"] == 201


@pytest.mark.parametrize(
    "guess",
    [
        lambda browser, word: browser.change_password(word, OTHER_PASSWORD),
        lambda browser, word: browser.send("DELETE", "/accounts/me", {"password": word}),
    ],
)
def test_a_stolen_access_token_does_not_do_to_guess_the_password(
    browser: Browser, guess: Callable[[Browser, str], Response]
) -> None:
    # Given
    browser.register()
    browser.sign_in()

    # When
    answers = [guess(browser, f"guess {number}")["statusCode"] for number in range(10)]

    # Then
    assert answers == [422] * 9 + [429]


def test_a_deleted_account_leaves_no_trace_of_its_owner(
    browser: Browser, table_events: Events, frozen_clock: Any
) -> None:
    # Given
    account_id = body_of(browser.register())["account_id"]
    browser.sign_in()

    # When
    frozen_clock.advance(seconds=1)
    deleted = browser.send("DELETE", "/accounts/me", {"password": PASSWORD})

    # Then
    assert deleted["statusCode"] == 200
    assert table_events()[-1][0] == "AccountDeleted"
    assert table_events()[-1][1]["data"] == {"account_id": account_id}
    stored = str(rows()).lower()
    assert not any(trace in stored for trace in (EMAIL.lower(), "'ada'", "argon2"))


def test_a_deleted_account_opens_nothing_any_more(browser: Browser, browsers: Browsers) -> None:
    # Given
    browser.register()
    browser.sign_in()

    # When
    browser.send("DELETE", "/accounts/me", {"password": PASSWORD})

    # Then: the access token is valid for some minutes more, and there is nothing left to see
    assert browser.send("GET", "/accounts/me")["statusCode"] == 401
    assert browser.refresh()["statusCode"] == 401
    assert browser.sign_in()["statusCode"] == 401
    assert browsers().register()["statusCode"] == 201


def test_an_account_is_deleted_only_by_who_knows_its_password(browser: Browser) -> None:
    # Given
    browser.register()
    browser.sign_in()

    # When
    refused = browser.send("DELETE", "/accounts/me", {"password": "not the password"})

    # Then
    assert refused["statusCode"] == 422
    assert browser.send("GET", "/accounts/me")["statusCode"] == 200


def test_a_client_registers_so_many_accounts_an_hour(
    browser: Browser, frozen_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("REGISTRATIONS_PER_CLIENT", "2")
    for number in range(2):
        assert browser.register(f"ada{number}@example.com")["statusCode"] == 201

    # When
    refused = browser.register("ada3@example.com")

    # Then
    assert (refused["statusCode"], body_of(refused)["code"]) == (429, "TOO_MANY_REQUESTS")
    assert int(refused["headers"]["Retry-After"]) == 30 * 60

    # And after that
    frozen_clock.advance(minutes=30)
    assert browser.register("ada3@example.com")["statusCode"] == 201


def test_no_secret_and_no_address_gets_into_a_log(
    browser: Browser, logged: Logged, frozen_clock: datetime
) -> None:
    # Given everything that the service does, and what it refuses
    browser.register()
    browser.register()
    tokens = []
    browser.sign_in(password="wrong")
    browser.sign_in()
    tokens += [browser.access_token, browser.refresh_token]
    browser.refresh()
    tokens += [browser.access_token, browser.refresh_token]
    browser.change_password("wrong", OTHER_PASSWORD)
    browser.change_password(PASSWORD, OTHER_PASSWORD)
    browser.send("DELETE", "/accounts/me", {"password": "wrong"})
    browser.send("DELETE", "/sessions/current")
    browser.send("DELETE", "/accounts/me", {"password": OTHER_PASSWORD})
    browser.refresh(tokens[1])

    # When
    lines = str(logged()).lower()

    # Then
    assert "signed in" in lines
    hashes = ("argon2", "password_hash", "token_hash")
    secrets = [PASSWORD, OTHER_PASSWORD, "'wrong'", EMAIL, *hashes]
    secrets += [part for token in tokens for part in token.split(".") if len(part) > 40]
    assert [secret for secret in secrets if secret.lower() in lines] == []


def test_a_bug_does_not_log_what_the_caller_sent(
    browser: Browser, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    def fail(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(Passwords, "hash", fail)

    # When
    response = browser.register()

    # Then: the exception's stack is logged, without its arguments
    assert response["statusCode"] == 500
    assert "request failed" in str(logged())
    assert PASSWORD not in str(logged())


def test_a_body_that_is_too_large_is_not_even_parsed(browser: Browser) -> None:
    assert browser.register(password="x" * 65_536)["statusCode"] == 413


def test_the_service_is_well_without_a_table(lambda_context: Any) -> None:
    wiring.accounts.cache_clear()

    assert api.handler(a_request("GET", "/account/health"), lambda_context)["statusCode"] == 200
