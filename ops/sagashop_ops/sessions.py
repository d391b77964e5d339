"""Who operates a store: operators sign in to its API, and stay signed in from command to command.

A session is a file that only its user may read: beside the data of a local store, and in the user's
state folder for a stack on AWS. It renews itself. A local store has an operator of its own, which
`make up` made, so that nobody has to sign in there.
"""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests

from sagashop_ops.aws import Deployment, call_function
from sagashop_ops.client import REQUEST_TIMEOUT_SECONDS
from sagashop_ops.errors import NotSignedIn, OperationRefused
from sagashop_ops.private_files import write_private
from sagashop_ops.stack import Stack

LOCAL_OPERATOR_FILE = "operator.json"
LOCAL_SESSION_FILE = "session.json"
# A token is renewed before a request with it could come too late.
_SPARE_SECONDS = 60.0
_PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Session:
    """Somebody who has signed in; `expires_at` is when the access token does, in Unix seconds."""

    email: str
    account_id: str
    access_token: str
    refresh_token: str
    expires_at: float

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Reads a session's file; None where there is none."""
        if not path.exists():
            return None
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self)))

    @property
    def is_fresh(self) -> bool:
        return time.time() < self.expires_at - _SPARE_SECONDS

    def __repr__(self) -> str:
        return f"Session({self.email}, {self.account_id})"


@dataclass(frozen=True)
class Credentials:
    """What an operator signs in with; `repr` does not show the password."""

    email: str
    password: str

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Reads a file of credentials; None where there is none."""
        if not path.exists():
            return None
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self)))

    def __repr__(self) -> str:
        return f"Credentials({self.email})"


def new_password() -> str:
    """Returns a random password."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def add_operator(deployment: Deployment, credentials: Credentials) -> str:
    """Makes an operator's account; returns its id. A repeat changes nothing.

    The function decides by IAM who may do that, since the first operator cannot sign in before.
    Raises OperationRefused.
    """
    account_id: str = call_function(deployment, "AddOperator", asdict(credentials))["account_id"]
    return account_id


def sign_in(stack: Stack, credentials: Credentials) -> Session:
    """Signs in and keeps the session; raises OperationRefused."""
    with _locked(stack) as file:
        return _sign_in(stack, credentials, file)


def sign_out(stack: Stack) -> bool:
    """Ends the session, here and in the store; returns whether there was one."""
    with _locked(stack) as file:
        session = Session.load(file)
        if session is None:
            return False
        if not session.is_fresh:
            session = _renewed(stack, session, file)
        file.unlink(missing_ok=True)
    if session is not None:
        _call(stack, "DELETE", "/sessions/current", token=session.access_token)
    return True


def signed_in(stack: Stack) -> Session:
    """Returns the session, with an access token that is valid for a minute at least.

    On a local store, its own operator is signed in where nobody is. Raises NotSignedIn.
    """
    with _locked(stack) as file:
        session = Session.load(file)
        if session is not None and not session.is_fresh:
            session = _renewed(stack, session, file)
        if session is None and stack.local_state is not None:
            own = Credentials.load(stack.local_state / LOCAL_OPERATOR_FILE)
            session = None if own is None else _sign_in(stack, own, file)
        if session is None:
            raise NotSignedIn
        return session


def session_file(stack: Stack) -> Path:
    """Returns where the session with a stack is kept."""
    if stack.local_state is not None:
        return stack.local_state / LOCAL_SESSION_FILE
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sagashop" / f"{urlsplit(stack.api_url).hostname}.json"


@contextmanager
def _locked(stack: Stack) -> Iterator[Path]:
    """Yields the session's file, which no other command renews meanwhile.

    A refresh token is valid once: two commands that send the same one would end the session.
    """
    file = session_file(stack)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield file


def _sign_in(stack: Stack, credentials: Credentials, file: Path) -> Session:
    answer = _accepted(_call(stack, "POST", "/sessions", asdict(credentials)))
    account = _accepted(_call(stack, "GET", "/accounts/me", token=answer["access_token"]))
    if account["role"] != "operator":
        raise OperationRefused("NOT_AN_OPERATOR", f"{credentials.email} is no operator's account.")
    return _keep(answer, credentials.email, account["account_id"], file)


def _renewed(stack: Stack, session: Session, file: Path) -> Session | None:
    """Renews a session; returns None, and forgets it, where it has ended."""
    answer = _call(stack, "POST", "/sessions/refresh", {"refresh_token": session.refresh_token})
    if answer.status_code == requests.codes.unauthorized:
        file.unlink()
        return None
    return _keep(_accepted(answer), session.email, session.account_id, file)


def _keep(tokens: Any, email: str, account_id: str, file: Path) -> Session:
    session = Session(
        email=email,
        account_id=account_id,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        expires_at=time.time() + tokens["expires_in"],
    )
    session.save(file)
    return session


def _call(
    stack: Stack, method: str, path: str, body: Any = None, token: str | None = None
) -> requests.Response:
    return requests.request(
        method,
        f"{stack.api_url}{path}",
        json=body,
        headers={} if token is None else {"Authorization": f"Bearer {token}"},
        timeout=REQUEST_TIMEOUT_SECONDS,
    )


def _accepted(answer: requests.Response) -> Any:
    """Returns the answer's JSON; raises OperationRefused with what a problem document says."""
    body = answer.json()
    if not answer.ok:
        raise OperationRefused(body["code"], body["detail"])
    return body
