"""Refresh tokens: random, valid once, and known to the service by their hash only."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Self

from shared.ids import is_id

_SECRET_BYTES = 32
_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """Which session it renews, and the secret that shows it. `repr` doesn't show that."""

    account_id: str
    session_id: str
    secret: str

    @classmethod
    def new(cls, account_id: str, session_id: str) -> Self:
        return cls(account_id, session_id, secrets.token_urlsafe(_SECRET_BYTES))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Returns the token that `text` is; None where it does not have the form of one."""
        account_id, _, rest = text[:_MAX_LENGTH].partition(".")
        session_id, _, secret = rest.partition(".")
        if not is_id("acc", account_id) or not is_id("ses", session_id) or not secret:
            return None
        return cls(account_id, session_id, secret)

    @property
    def text(self) -> str:
        """The token as its holder has it."""
        return f"{self.account_id}.{self.session_id}.{self.secret}"

    @property
    def hash(self) -> str:
        """What the service keeps. The secret is random, so it needs neither salt nor stretching."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"RefreshToken({self.account_id}, {self.session_id})"
