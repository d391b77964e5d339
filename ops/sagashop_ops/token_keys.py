"""The keys that sign a store's tokens: adding the next one, and dropping those that are done.

The secret is a flat object, `{"current": "<key id>", "<key id>": "<key>", …}`. A key's id is the
time at which it became the current one, but for that of the first, which is `first`.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sagashop_ops.aws import Deployment
from sagashop_ops.private_files import write_private

LOCAL_KEYS_FILE = "token-keys.json"
# The longest-lived tokens are the orders': see `shared/tokens.py`. Functions sign with an old key
# for a minute longer, until they look at the keys again.
LONGEST_LIFETIME = timedelta(days=90) + timedelta(minutes=1)
_KEY_BYTES = 48
_ID = "%Y%m%dT%H%M%SZ"

type Keys = Mapping[str, str]


def rotate(deployment: Deployment, at: datetime, *, revoke: bool = False) -> Keys:
    """Makes a new key the current one; returns the keys as they are now.

    Keys whose tokens have all expired are dropped; with `revoke` all old keys are, and every token
    is invalid within a minute.
    """
    client = deployment.client("secretsmanager")
    arn = deployment.outputs["TokenKeysArn"]
    keys = next_keys(read_keys(client, arn), at, revoke=revoke)
    _write_keys(client, arn, keys)
    if deployment.stack.local_state is not None:
        keep_keys(deployment.stack.local_state / LOCAL_KEYS_FILE, keys)
    return keys


def next_keys(keys: Keys, at: datetime, *, revoke: bool = False) -> Keys:
    """Returns the keys after a rotation."""
    while (key_id := at.astimezone(UTC).strftime(_ID)) in keys:
        at += timedelta(seconds=1)
    new = {"current": key_id, key_id: secrets.token_urlsafe(_KEY_BYTES)}
    if revoke:
        return new
    ids = sorted((name for name in keys if name != "current"), key=_since)
    # A key signed its last token when the next one replaced it.
    ends = [*(_since(following) for following in ids[1:]), at]
    valid = {
        name: keys[name] for name, end in zip(ids, ends, strict=True) if at < end + LONGEST_LIFETIME
    }
    return valid | new


def restore_keys(client: Any, arn: str, file: Path) -> None:
    """Gives a new local engine the keys of the last one, which forgot them when it stopped."""
    if file.exists():
        _write_keys(client, arn, json.loads(file.read_text(encoding="utf-8")))


def keep_keys(file: Path, keys: Keys) -> None:
    """Keeps a local store's keys for its next engine."""
    write_private(file, json.dumps(keys))


def read_keys(client: Any, arn: str) -> Keys:
    """Returns the keys as the secret has them."""
    keys: Keys = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    return keys


def _write_keys(client: Any, arn: str, keys: Keys) -> None:
    client.put_secret_value(SecretId=arn, SecretString=json.dumps(keys))


def _since(key_id: str) -> datetime:
    """Returns when a key became the current one; of the first one, that is not known."""
    if key_id == "first":
        return datetime.min.replace(tzinfo=UTC)
    return datetime.strptime(key_id, _ID).replace(tzinfo=UTC)
