"""Operators' sessions: signing in once, staying signed in, and files that nobody else reads."""

import json
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from sagashop_ops import sessions, stack
from sagashop_ops.errors import NotSignedIn, OperationRefused
from sagashop_ops.sessions import (
    LOCAL_OPERATOR_FILE,
    Credentials,
    Session,
    session_file,
    sign_in,
    sign_out,
    signed_in,
)
from sagashop_ops.stack import Stack
from support.operators import a_stack

ADA = Credentials("ada@example.com", "a long sentence")


@dataclass
class FakeAccounts:
    """The account service: one operator, whose refresh tokens are valid once."""

    role: str = "operator"
    number: int = 0
    ended: bool = False
    calls: list[str] = field(default_factory=list)

    def request(
        self, method: str, url: str, json: Any, headers: Mapping[str, str], timeout: float
    ) -> requests.Response:
        path = url.removeprefix("http://shop")
        self.calls.append(f"{method} {path}")
        match path:
            case "/sessions" if json["password"] == ADA.password:
                return self._tokens()
            case "/sessions":
                return _answer(401, code="WRONG_CREDENTIALS", detail="The password is wrong.")
            case "/sessions/refresh" if json["refresh_token"] == f"refresh-{self.number}":
                if not self.ended:
                    return self._tokens()
            case "/accounts/me":
                return _answer(200, account_id="acc_ada", role=self.role)
            case "/sessions/current":
                assert headers == {"Authorization": f"Bearer access-{self.number}"}
                return _answer(200)
        self.ended = True
        return _answer(401, code="INVALID_TOKEN", detail="The session has ended.")

    def _tokens(self) -> requests.Response:
        self.number += 1
        self.ended = False
        return _answer(
            201,
            access_token=f"access-{self.number}",
            refresh_token=f"refresh-{self.number}",
            expires_in=900,
        )


def _answer(status: int, **body: Any) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = json.dumps(body).encode()
    return answer


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> FakeAccounts:
    fake = FakeAccounts()
    monkeypatch.setattr(sessions.requests, "request", fake.request)
    return fake


@pytest.fixture
def on_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack on AWS."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return a_stack(endpoint_url=None, log_file=None, api_url="http://shop")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A local store."""
    monkeypatch.setattr(stack, "state_folder", lambda port: tmp_path / str(port))
    return a_stack(api_url="http://shop")


def expire(stack: Stack) -> None:
    """Lets the access token expire."""
    file = session_file(stack)
    session = Session.load(file)
    assert session is not None
    replace(session, expires_at=time.time() + 59).save(file)


def test_who_has_signed_in_stays_signed_in(accounts: FakeAccounts, on_aws: Stack) -> None:
    # When
    sign_in(on_aws, ADA)

    # Then
    assert signed_in(on_aws).access_token == "access-1"
    assert signed_in(on_aws).account_id == "acc_ada"
    assert accounts.calls == ["POST /sessions", "GET /accounts/me"]


def test_a_session_renews_itself_before_its_token_expires(
    accounts: FakeAccounts, on_aws: Stack
) -> None:
    # Given
    sign_in(on_aws, ADA)

    # When
    expire(on_aws)

    # Then
    assert signed_in(on_aws).access_token == "access-2"
    assert signed_in(on_aws).access_token == "access-2"


def test_commands_at_the_same_moment_renew_a_session_once(
    accounts: FakeAccounts, on_aws: Stack
) -> None:
    # Given
    sign_in(on_aws, ADA)
    expire(on_aws)
    seen: list[str] = []

    # When
    commands = [
        threading.Thread(target=lambda: seen.append(signed_in(on_aws).access_token))
        for _ in range(5)
    ]
    for command in commands:
        command.start()
    for command in commands:
        command.join()

    # Then
    assert seen == ["access-2"] * 5
    assert accounts.calls.count("POST /sessions/refresh") == 1


def test_a_session_that_has_ended_is_forgotten(accounts: FakeAccounts, on_aws: Stack) -> None:
    # Given
    sign_in(on_aws, ADA)
    expire(on_aws)
    accounts.ended = True

    # Then
    with pytest.raises(NotSignedIn, match="sagashop sign-in"):
        signed_in(on_aws)
    assert not session_file(on_aws).exists()


def test_nobody_is_signed_in_with_a_wrong_password(accounts: FakeAccounts, on_aws: Stack) -> None:
    with pytest.raises(OperationRefused, match="WRONG_CREDENTIALS"):
        sign_in(on_aws, Credentials("ada@example.com", "a guess"))
    with pytest.raises(NotSignedIn):
        signed_in(on_aws)


def test_a_customer_is_no_operator(accounts: FakeAccounts, on_aws: Stack) -> None:
    # Given
    accounts.role = "customer"

    # Then
    with pytest.raises(OperationRefused, match="NOT_AN_OPERATOR"):
        sign_in(on_aws, ADA)
    with pytest.raises(NotSignedIn):
        signed_in(on_aws)


def test_who_signs_out_ends_the_session_in_the_store_too(
    accounts: FakeAccounts, on_aws: Stack
) -> None:
    # Given
    sign_in(on_aws, ADA)

    # Then
    assert sign_out(on_aws)
    assert accounts.calls[-1] == "DELETE /sessions/current"
    assert not sign_out(on_aws)
    with pytest.raises(NotSignedIn):
        signed_in(on_aws)


def test_who_signs_out_late_does_it_with_a_valid_token(
    accounts: FakeAccounts, on_aws: Stack
) -> None:
    # Given
    sign_in(on_aws, ADA)
    expire(on_aws)

    # Then
    assert sign_out(on_aws)
    assert accounts.calls[-2:] == ["POST /sessions/refresh", "DELETE /sessions/current"]


def test_each_stack_has_a_session_of_its_own(
    accounts: FakeAccounts, on_aws: Stack, tmp_path: Path
) -> None:
    # Given
    other = replace(on_aws, api_url="https://other.execute-api.us-east-1.amazonaws.com/v1")
    sign_in(on_aws, ADA)

    # Then
    assert session_file(on_aws) == tmp_path / "sagashop" / "shop.json"
    with pytest.raises(NotSignedIn):
        signed_in(other)


def test_a_local_store_signs_its_own_operator_in(accounts: FakeAccounts, here: Stack) -> None:
    # Given
    assert here.local_state is not None
    ADA.save(here.local_state / LOCAL_OPERATOR_FILE)

    # Then
    assert signed_in(here).email == ADA.email
    assert session_file(here).parent == here.local_state

    # And again where the session has ended
    expire(here)
    accounts.ended = True
    assert signed_in(here).access_token == "access-2"


def test_only_their_owner_reads_sessions_and_passwords(accounts: FakeAccounts, here: Stack) -> None:
    # Given
    assert here.local_state is not None
    operator_file = here.local_state / LOCAL_OPERATOR_FILE
    ADA.save(operator_file)
    ADA.save(operator_file)

    # When
    signed_in(here)

    # Then
    for file in (operator_file, session_file(here)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_is_not_shown_by_accident() -> None:
    session = Session("ada@example.com", "acc_ada", "access", "refresh", 0.0)

    assert "access" not in repr(session)
    assert "refresh" not in repr(session)
    assert ADA.password not in repr(ADA)
