"""Accounts of a running store."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import requests


@contextmanager
def passing_account(api_url: str) -> Iterator[requests.Session]:
    """Registers an account, and yields a session that sends its token; deletes it at the end."""
    credentials = {"email": f"{uuid.uuid4().hex}@example.com", "password": "a long sentence"}
    with requests.Session() as http:
        http.post(f"{api_url}/accounts", json=credentials | {"name": "Ada"}).raise_for_status()
        signed_in = http.post(f"{api_url}/sessions", json=credentials)
        signed_in.raise_for_status()
        http.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        yield http
        password = {"password": credentials["password"]}
        http.delete(f"{api_url}/accounts/me", json=password).raise_for_status()
