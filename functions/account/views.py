"""What the service answers over HTTP."""

from typing import Any

from account.domain import Account
from shared.clock import to_iso
from shared.tokens import ACCESS_LIFETIME


def account_view(account: Account) -> dict[str, Any]:
    """Returns `{"account_id", "email", "name", "role", "created_at"}`."""
    return {
        "account_id": account.account_id,
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "created_at": to_iso(account.created_at),
    }


def session_view(access_token: str, refresh_token: str) -> dict[str, Any]:
    """Returns `{"access_token", "refresh_token", "expires_in"}`, the last in seconds."""
    return {
        "access_token": access_token,
        "refresh_token": refresh_token,
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
    }
