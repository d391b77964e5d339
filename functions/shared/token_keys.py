"""The keys that sign tokens: one secret of the stack's, which every function reads for itself.

It is a flat object, `{"current": "<key id>", "<key id>": "<key>", …}`. A rotation adds a key and
makes it the current one; a key goes when all tokens that it signed have expired.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import boto3
from botocore.config import Config

from shared import clock, settings

_MAX_AGE_SECONDS = 60
_UNKNOWN_KEY_SECONDS = 5


class SigningKeys:
    """The keys as `fetch` gives them, at most a minute old.

    A token may name a key that has just been made, so that they are fetched again for an unknown
    one; but no more often than every five seconds, whatever strangers send.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, str]]) -> None:
        self._fetch = fetch
        self._keys: Mapping[str, str] = {}
        self._stale_at = self._may_look_again_at = 0.0

    def current(self) -> tuple[str, str]:
        """Returns the id of the key to sign with, and the key."""
        keys = self._fresh()
        return keys["current"], keys[keys["current"]]

    def find(self, key_id: str) -> str | None:
        """Returns a key, or None where there is none with this id."""
        if key_id == "current":
            return None  # the entry that names a key is not one
        key = self._fresh().get(key_id)
        now = clock.now().timestamp()
        if key is None and now >= self._may_look_again_at:
            self._may_look_again_at = now + _UNKNOWN_KEY_SECONDS
            self._stale_at = now
            key = self._fresh().get(key_id)
        return key

    def _fresh(self) -> Mapping[str, str]:
        now = clock.now().timestamp()
        if now >= self._stale_at:
            self._keys = self._fetch()
            self._stale_at = now + _MAX_AGE_SECONDS
        return self._keys


@dataclass(frozen=True)
class _Settings:
    token_keys_arn: str


def stack_keys() -> SigningKeys:
    """Returns the keys of the stack that the function belongs to."""
    arn = settings.load(_Settings).token_keys_arn
    client = boto3.client(
        "secretsmanager",
        config=Config(
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 3},
        ),
    )

    def fetch() -> Mapping[str, str]:
        keys: dict[str, str] = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
        return keys

    return SigningKeys(fetch)
