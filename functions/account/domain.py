"""The rules of accounts and sessions.

A session begins when somebody signs in, and is renewed with its refresh token, which is another one
after each renewal. It ends when it is not renewed for a month, or when it is signed out, or when
its account moves on to the next generation: with the password, all sessions change hands at once.

Nothing here does I/O or knows of AWS.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.subjects import Role

SESSION_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in; `version` counts its changes.

    `generation` is that of the sessions which are valid.
    """

    account_id: str
    email: str
    name: str
    role: Role
    password_hash: str
    created_at: datetime
    updated_at: datetime
    generation: int = 1
    version: int = 1


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in and all its renewals; `token_hash` is that of the one valid refresh token."""

    account_id: str
    session_id: str
    token_hash: str
    generation: int
    created_at: datetime
    expires_at: datetime


def comparable(email: str) -> str:
    """Returns an address in the form in which two of them are the same mailbox.

    Providers tell no mailboxes apart by upper and lower case, though they may. What else one of
    them ignores, such as dots, another one doesn't.
    """
    return email.strip().lower()


def with_password(account: Account, password_hash: str, at: datetime) -> Account:
    """Returns the account with another password, which ends its sessions."""
    changed = _changed(account, at)
    return replace(changed, password_hash=password_hash, generation=account.generation + 1)


def rehashed(account: Account, password_hash: str, at: datetime) -> Account:
    """Returns the account with the same password, hashed in another way."""
    return replace(_changed(account, at), password_hash=password_hash)


def as_operator(account: Account, at: datetime) -> Account:
    """Returns the account as an operator's."""
    return replace(_changed(account, at), role="operator")


def closed(account: Account, at: datetime) -> Account:
    """Returns what an account ends as; only its event tells of that."""
    return _changed(account, at)


def begin_session(account: Account, session_id: str, token_hash: str, at: datetime) -> Session:
    return Session(
        account.account_id, session_id, token_hash, account.generation, at, at + SESSION_LIFETIME
    )


def renewed(session: Session, token_hash: str, at: datetime) -> Session:
    """Returns the session with its next refresh token."""
    return replace(session, token_hash=token_hash, expires_at=at + SESSION_LIFETIME)


def moved_to(session: Session, account: Account) -> Session:
    """Returns the session as one of the account's generation: it stays open."""
    return replace(session, generation=account.generation)


def is_open(session: Session, account: Account, at: datetime) -> bool:
    """Whether a session of the account may be renewed."""
    return session.generation == account.generation and at < session.expires_at


def _changed(account: Account, at: datetime) -> Account:
    return replace(account, updated_at=at, version=account.version + 1)
