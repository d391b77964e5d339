"""Bearer tokens: signed statements of who calls, read without asking anybody.

    access_token = tokens().for_account("acc_…", "customer", at)
    tokens().read(access_token, at)  # AccountSubject("acc_…", "customer")

They are JSON Web Tokens (RFC 7519), signed with HMAC-SHA-256. The header's `kid` says by which of
several keys, so that a new key can take over while the tokens of the old one stay valid.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast, get_args

import jwt

from shared import ids
from shared.errors import InvalidToken
from shared.subjects import AccountSubject, OrderSubject, Role, Subject
from shared.token_keys import SigningKeys, stack_keys

__all__ = ["AccountSubject", "OrderSubject", "Role", "Subject", "Tokens", "tokens"]

ACCESS_LIFETIME = timedelta(minutes=15)
ORDER_LIFETIME = timedelta(days=90)
"""Longer than any order is open, or can be returned to its sender."""

_ALGORITHM = "HS256"
_ACCOUNT, _ORDER = "account", "order"
_ROLES = get_args(Role.__value__)
# Ours have about 300. Whoever sends more does not get it decoded.
_MAX_LENGTH = 1024
# How far the clocks of two machines may differ.
_CLOCK_SKEW_SECONDS = 5


class Tokens:
    """Makes and reads tokens; `at` is always an aware time."""

    def __init__(self, keys: SigningKeys) -> None:
        self._keys = keys

    def for_account(
        self, account_id: str, role: Role, at: datetime, session_id: str | None = None
    ) -> str:
        """Returns an access token, which is valid for ACCESS_LIFETIME."""
        issued = int(at.timestamp())
        lifetime = int(ACCESS_LIFETIME.total_seconds())
        claims = {"role": role, "iat": issued, "nbf": issued, "exp": issued + lifetime}
        session = {} if session_id is None else {"sid": session_id}
        return self._sign(_ACCOUNT, account_id, {**claims, **session})

    def for_order(self, order_id: str, created_at: datetime) -> str:
        """Returns an order's own token, valid for ORDER_LIFETIME from its creation.

        While the key is the same, an order always has the same token: a repeated request is
        answered as the first one was.
        """
        expires = int((created_at + ORDER_LIFETIME).timestamp())
        return self._sign(_ORDER, order_id, {"exp": expires})

    def read(self, token: str, at: datetime) -> Subject:
        """Returns whom a token speaks for; raises InvalidToken where it is not one of ours."""
        if len(token) > _MAX_LENGTH:
            raise InvalidToken("The token is too long.")
        claims = self._verify(token)
        _check_times(claims, int(at.timestamp()))
        match claims:
            case {"aud": "account", "sub": str(subject), "role": str(role), "nbf": _, "iat": _}:
                if role in _ROLES and ids.is_id("acc", subject):
                    return AccountSubject(subject, cast(Role, role), claims.get("sid"))
            case {"aud": "order", "sub": str(subject)} if ids.is_id("ord", subject):
                return OrderSubject(subject)
        raise InvalidToken("The token is for something else.")

    def _sign(self, audience: str, subject: str, claims: Mapping[str, Any]) -> str:
        key_id, key = self._keys.current()
        return jwt.encode(
            {"aud": audience, "sub": subject, **claims},
            key,
            algorithm=_ALGORITHM,
            headers={"kid": key_id},
        )

    def _verify(self, token: str) -> dict[str, Any]:
        """Returns the claims of a token with a right signature; their times are not checked yet.

        The algorithm is ours and never the header's: https://www.rfc-editor.org/rfc/rfc8725#section-3.1
        """
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            key = self._keys.find(key_id) if isinstance(key_id, str) else None
            if key is None:
                raise InvalidToken("The token names no key of ours.")
            # PyJWT would compare the times with a clock of its own.
            options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
            return jwt.decode(
                token, key, algorithms=[_ALGORITHM], audience=[_ACCOUNT, _ORDER], options=options
            )
        except (jwt.PyJWTError, ValueError, RecursionError) as exc:
            raise InvalidToken("The token cannot be read.") from exc


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    """Raises InvalidToken for a token that has expired, never does, or is not valid yet."""
    if not isinstance(claims.get("exp"), int) or claims["exp"] <= now:
        raise InvalidToken("The token has expired.")
    for claim in ("nbf", "iat"):
        since = claims.get(claim, now)
        if not isinstance(since, int) or since > now + _CLOCK_SKEW_SECONDS:
            raise InvalidToken("The token is not valid yet.")


@cache
def tokens() -> Tokens:
    """Returns the function's one maker and reader of tokens; their keys are the stack's."""
    return Tokens(stack_keys())
