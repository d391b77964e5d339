"""Rotating the keys that sign tokens: new ones sign, old ones stay until their tokens expire."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

from sagashop_ops.aws import Deployment
from sagashop_ops.token_keys import (
    LOCAL_KEYS_FILE,
    LONGEST_LIFETIME,
    keep_keys,
    next_keys,
    read_keys,
    restore_keys,
    rotate,
)
from shared.subjects import AccountSubject
from shared.token_keys import SigningKeys
from shared.tokens import ORDER_LIFETIME, Tokens
from support.operators import a_stack

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FIRST = {"current": "first", "first": "a" * 64}
ARN = "shop-token-keys"


def test_a_new_key_signs_and_the_old_one_stays() -> None:
    # When
    keys = next_keys(FIRST, NOW)

    # Then
    assert keys["current"] == "20260301T093000Z"
    assert keys.keys() == {"current", "first", "20260301T093000Z"}
    assert keys["first"] == FIRST["first"]
    assert len(keys[keys["current"]]) == 64


def test_two_rotations_never_make_the_same_key() -> None:
    once = next_keys(FIRST, NOW)
    twice = next_keys(once, NOW)

    assert once[once["current"]] == twice[once["current"]]
    assert twice["current"] > once["current"]
    assert len(set(twice.values()) - {twice["current"]}) == 3


def test_a_key_goes_when_the_last_token_that_it_signed_has_expired() -> None:
    # Given: until the second key came, the first one signed
    keys = next_keys(FIRST, NOW)
    end = NOW + LONGEST_LIFETIME
    assert LONGEST_LIFETIME > ORDER_LIFETIME

    # Then
    assert "first" in next_keys(keys, end - timedelta(seconds=1))
    later = next_keys(keys, end)
    assert "first" not in later
    assert "20260301T093000Z" in later, "it signed until a moment ago"


def test_revoking_leaves_the_new_key_alone() -> None:
    keys = next_keys(FIRST, NOW, revoke=True)

    assert keys.keys() == {"current", keys["current"]}


def test_what_functions_read_is_what_a_rotation_wrote() -> None:
    # Given
    keys = dict(FIRST)
    tokens = Tokens(SigningKeys(lambda: keys))
    account_id = "acc_01JNQ4ZV8X0000000000000001"
    before = tokens.for_account(account_id, "operator", NOW)

    # When
    keys = dict(next_keys(keys, NOW))

    # Then
    reader = Tokens(SigningKeys(lambda: keys))
    after = reader.for_account(account_id, "operator", NOW)
    assert reader.read(before, NOW) == reader.read(after, NOW)
    assert reader.read(after, NOW) == AccountSubject(account_id, "operator")


@pytest.fixture
def deployment(aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A local store whose keys are in its Secrets Manager."""
    monkeypatch.setattr("sagashop_ops.stack.state_folder", lambda port: tmp_path)
    client = boto3.client("secretsmanager")
    client.create_secret(Name=ARN, SecretString='{"current": "first", "first": "a"}')
    return Deployment(a_stack(), lambda _: client, {"TokenKeysArn": ARN}, {})


def test_a_local_stores_keys_outlive_its_engine(deployment: Deployment, tmp_path: Path) -> None:
    # Given
    client = deployment.client("secretsmanager")
    keys = rotate(deployment, NOW)
    assert read_keys(client, ARN) == keys

    # When: a new engine makes keys of its own
    client.put_secret_value(SecretId=ARN, SecretString='{"current": "first", "first": "b"}')
    restore_keys(client, ARN, tmp_path / LOCAL_KEYS_FILE)

    # Then
    assert read_keys(client, ARN) == keys
    assert stat.S_IMODE((tmp_path / LOCAL_KEYS_FILE).stat().st_mode) == 0o600


def test_the_first_engine_has_nothing_to_restore(deployment: Deployment, tmp_path: Path) -> None:
    # When
    client = deployment.client("secretsmanager")
    restore_keys(client, ARN, tmp_path / LOCAL_KEYS_FILE)

    # Then
    keys = read_keys(client, ARN)
    assert keys == {"current": "first", "first": "a"}
    keep_keys(tmp_path / LOCAL_KEYS_FILE, keys)
    restore_keys(client, ARN, tmp_path / LOCAL_KEYS_FILE)
    assert read_keys(client, ARN) == keys
