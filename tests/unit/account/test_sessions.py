"""Sessions: signing in without telling strangers anything, renewing, and ending them."""

from typing import Any

import pytest

from account import wiring
from account.domain import Session
from account.passwords import MEMORY_KIB, PASSES, Passwords
from account.repository import AccountTable
from shared.tokens import AccountSubject, Tokens
from unit.account.browser import EMAIL, PASSWORD, Browser, Browsers, body_of


@pytest.fixture
def ada(browser: Browser) -> Browser:
    """Somebody who has an account and has signed in."""
    browser.register()
    browser.sign_in()
    return browser


def test_signing_in_gives_two_tokens_that_no_cache_keeps(
    browser: Browser, stack_tokens: Tokens, frozen_clock: Any
) -> None:
    # Given
    account_id = body_of(browser.register())["account_id"]

    # When
    response = browser.sign_in()

    # Then
    body = body_of(response)
    assert body.keys() == {"access_token", "refresh_token", "expires_in"}
    assert body["expires_in"] == 900
    assert response["headers"]["Cache-Control"] == "no-store"
    subject = stack_tokens.read(body["access_token"], frozen_clock.at)
    assert isinstance(subject, AccountSubject)
    assert (subject.account_id, subject.role) == (account_id, "customer")


def test_an_unknown_address_is_refused_in_the_same_words_as_a_wrong_password(
    ada: Browser, browsers: Browsers
) -> None:
    # When
    stranger = browsers()
    wrong = stranger.sign_in(password="not the password")
    unknown = stranger.sign_in(email="nobody@example.com")

    # Then
    assert wrong["statusCode"] == 401
    assert wrong["body"] == unknown["body"]
    assert body_of(wrong)["code"] == "WRONG_CREDENTIALS"
    assert wrong["headers"].keys() == unknown["headers"].keys()


def test_an_unknown_address_costs_the_same_work_as_a_wrong_password(
    ada: Browser, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given what takes time: hashing, and calls of the table
    work: list[str] = []
    hasher = type(wiring.passwords()._hasher)
    verify, find = hasher.verify, AccountTable.find

    def counted_verify(self: Any, *arguments: Any) -> Any:
        work.append("verify")
        return verify(self, *arguments)

    def counted_find(self: Any, account_id: str) -> Any:
        work.append("find")
        return find(self, account_id)

    monkeypatch.setattr(hasher, "verify", counted_verify)
    monkeypatch.setattr(AccountTable, "find", counted_find)

    # When
    browsers().sign_in(password="not the password")
    for_wrong, work[:] = list(work), []
    browsers().sign_in(email="nobody@example.com")

    # Then
    assert for_wrong == work == ["find", "verify"]


def test_the_password_of_nobody_costs_what_anybodys_does() -> None:
    # Given the real parameters, which are OWASP's
    passwords = Passwords()

    # Then
    parameters = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$"
    assert (MEMORY_KIB, PASSES) == (19 * 1024, 2)
    assert passwords.hash(PASSWORD).startswith(parameters)
    assert passwords._nobodys_hash.startswith(parameters)
    assert not passwords.is_right("", None)


def test_an_address_is_tried_so_often_and_its_owner_waits_as_well(
    ada: Browser, browsers: Browsers, frozen_clock: Any
) -> None:
    # Given: she signed in once
    stranger = browsers()
    for _ in range(9):
        assert stranger.sign_in(email=EMAIL.upper(), password="a guess")["statusCode"] == 401

    # When
    refused = stranger.sign_in(email=EMAIL, password="a guess")

    # Then
    assert (refused["statusCode"], body_of(refused)["code"]) == (429, "TOO_MANY_REQUESTS")
    assert int(refused["headers"]["Retry-After"]) == 15 * 60
    assert ada.sign_in()["statusCode"] == 429

    # And a quarter of an hour later
    frozen_clock.advance(minutes=15)
    assert ada.sign_in()["statusCode"] == 201


def test_an_unknown_address_is_limited_like_a_known_one(browser: Browser) -> None:
    # When
    answers = [browser.sign_in("nobody@example.com")["statusCode"] for _ in range(11)]

    # Then
    assert answers == [401] * 10 + [429]


def test_a_client_tries_so_many_addresses(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("SIGN_INS_PER_CLIENT", "3")

    # When
    answers = [browser.sign_in(f"ada{number}@example.com")["statusCode"] for number in range(4)]

    # Then
    assert answers == [401, 401, 401, 429]


def test_a_password_hashed_with_old_parameters_is_hashed_anew_at_the_next_sign_in(
    ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    stronger = Passwords(memory_kib=16, passes=1)
    monkeypatch.setattr(wiring, "passwords", lambda: stronger)
    wiring.accounts.cache_clear()

    # When
    signed_in = ada.sign_in()

    # Then
    assert signed_in["statusCode"] == 201
    account = wiring.table().find_by_email(EMAIL)
    assert account is not None
    assert "$m=16,t=1,p=1$" in account.password_hash
    assert ada.refresh()["statusCode"] == 201


def test_a_renewed_session_has_new_tokens_of_the_same_session(
    ada: Browser, stack_tokens: Tokens, frozen_clock: Any
) -> None:
    # Given
    before = stack_tokens.read(ada.access_token, frozen_clock.at)
    spent = ada.refresh_token

    # When
    frozen_clock.advance(minutes=20)
    ada.refresh()

    # Then
    assert ada.refresh_token != spent
    assert stack_tokens.read(ada.access_token, frozen_clock.at) == before


def test_a_spent_refresh_token_ends_the_session_for_thief_and_owner(
    ada: Browser, browsers: Browsers
) -> None:
    # Given
    stolen = ada.refresh_token
    ada.refresh()

    # When
    reused = browsers().refresh(stolen)

    # Then
    assert (reused["statusCode"], body_of(reused)["code"]) == (401, "INVALID_TOKEN")
    assert ada.refresh()["statusCode"] == 401


def test_a_reuse_ends_no_other_session(ada: Browser, browsers: Browsers) -> None:
    # Given
    elsewhere = browsers()
    elsewhere.sign_in()
    stolen = ada.refresh_token
    ada.refresh()

    # When
    browsers().refresh(stolen)

    # Then
    assert elsewhere.refresh()["statusCode"] == 201


def test_of_two_renewals_at_once_one_wins_and_the_other_is_a_reuse(
    ada: Browser, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: another request renews the session between this one's read and its write
    stolen = ada.refresh_token
    replace_session = AccountTable.replace_session

    def late(self: AccountTable, before: Session, after: Session) -> bool:
        monkeypatch.setattr(AccountTable, "replace_session", replace_session)
        assert ada.refresh()["statusCode"] == 201
        return replace_session(self, before, after)

    monkeypatch.setattr(AccountTable, "replace_session", late)

    # When
    thief = browsers().refresh(stolen)

    # Then
    assert thief["statusCode"] == 401
    assert ada.refresh()["statusCode"] == 401


def test_a_session_that_is_not_renewed_for_a_month_ends(ada: Browser, frozen_clock: Any) -> None:
    # Given
    frozen_clock.advance(days=29)
    assert ada.refresh()["statusCode"] == 201

    # When
    frozen_clock.advance(days=30)

    # Then
    assert ada.refresh()["statusCode"] == 401


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "acc_01JNQ4ZV8X0000000000000001.ses_01JNQ4ZV8X0000000000000001.guess",
        "acc_01JNQ4ZV8X0000000000000001.ses_01JNQ4ZV8X0000000000000001.",
        "é.é.é",
    ],
)
def test_what_is_no_refresh_token_renews_nothing(token: str, browser: Browser) -> None:
    refused = browser.refresh(token)

    assert (refused["statusCode"], body_of(refused)["code"]) == (401, "INVALID_TOKEN")


def test_an_oversized_refresh_token_is_refused(browser: Browser) -> None:
    assert browser.refresh("x" * 201)["statusCode"] == 422


def test_an_access_token_renews_nothing(ada: Browser) -> None:
    assert ada.refresh(ada.access_token)["statusCode"] in (401, 422)


def test_who_signs_out_stays_out_and_others_stay_in(ada: Browser, browsers: Browsers) -> None:
    # Given
    elsewhere = browsers()
    elsewhere.sign_in()

    # When
    answers = [ada.send("DELETE", "/sessions/current")["statusCode"] for _ in range(2)]

    # Then
    assert answers == [200, 200]
    assert ada.refresh()["statusCode"] == 401
    assert elsewhere.refresh()["statusCode"] == 201


def test_a_session_renewed_while_the_password_changes_ends_with_the_others(
    ada: Browser, browsers: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a thief who renews a session between the reads and the write of the change
    thief = browsers()
    thief.sign_in()
    update = AccountTable.update

    def late(self: AccountTable, *arguments: Any) -> None:
        assert thief.refresh()["statusCode"] == 201
        update(self, *arguments)

    monkeypatch.setattr(AccountTable, "update", late)

    # When
    assert ada.change_password(PASSWORD, "another long sentence")["statusCode"] == 200

    # Then
    assert thief.refresh()["statusCode"] == 401
