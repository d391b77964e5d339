"""Customers' accounts of a running store."""

import uuid
from dataclasses import dataclass

import requests

from sagashop_ops.client import REQUEST_TIMEOUT_SECONDS

PASSWORD = "a long sentence"


@dataclass(frozen=True, slots=True)
class Account:
    """An account with PASSWORD, and a session of it."""

    api_url: str
    access_token: str

    @property
    def bearer(self) -> dict[str, str]:
        """The headers that sign a request."""
        return {"Authorization": f"Bearer {self.access_token}"}

    def delete(self) -> requests.Response:
        """Deletes the account; returns the store's answer."""
        return requests.delete(
            f"{self.api_url}/accounts/me",
            json={"password": PASSWORD},
            headers=self.bearer,
            timeout=REQUEST_TIMEOUT_SECONDS,
        )


def open_account(api_url: str, email: str | None = None, name: str = "Ada") -> Account:
    """Registers an account, with an address of its own where none is given, and signs in to it."""
    credentials = {"email": email or f"{uuid.uuid4()}@example.com", "password": PASSWORD}
    for path, body in [("/accounts", credentials | {"name": name}), ("/sessions", credentials)]:
        answer = requests.post(f"{api_url}{path}", json=body, timeout=REQUEST_TIMEOUT_SECONDS)
        answer.raise_for_status()
    return Account(api_url, answer.json()["access_token"])
