"""The local store's own operator: made once, with a password that stays."""

import json
from pathlib import Path

import boto3
import pytest

from sagashop_local import operator
from sagashop_local.operator import EMAIL, provide_operator
from sagashop_ops.sessions import Credentials
from sagashop_ops.stack import Stack
from support.operators import FakeStore, a_stack


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    """A store whose function AddOperator answers."""
    store = FakeStore()
    store.functions.answers["AddOperator"] = {"account_id": "acc_1"}
    monkeypatch.setattr(operator.Deployment, "of", lambda _: store.deployment)
    return store


@pytest.fixture
def stack(account_table: str) -> Stack:
    return a_stack(tables={"account": account_table})


def registered(stack: Stack) -> None:
    """Writes what the account service does."""
    boto3.client("dynamodb").put_item(
        TableName=stack.tables["account"],
        Item={"pk": {"S": f"EMAIL#{EMAIL}"}, "sk": {"S": "EMAIL"}},
    )


def test_a_new_store_gets_an_operator_with_a_random_password(
    store: FakeStore, stack: Stack, tmp_path: Path
) -> None:
    # When
    file = tmp_path / "operator.json"
    assert provide_operator(boto3.client("dynamodb"), stack, file)

    # Then
    ((function, payload),) = store.functions.calls
    assert (function, payload["email"]) == ("AddOperator", EMAIL)
    assert len(payload["password"]) == 32
    assert payload == json.loads(file.read_text())


def test_a_known_operator_is_left_alone(store: FakeStore, stack: Stack, tmp_path: Path) -> None:
    # Given
    file = tmp_path / "operator.json"
    Credentials(EMAIL, "kept").save(file)
    registered(stack)

    # Then
    assert not provide_operator(boto3.client("dynamodb"), stack, file)
    assert store.functions.calls == []


def test_after_a_reset_the_password_is_the_same(
    store: FakeStore, stack: Stack, tmp_path: Path
) -> None:
    # Given
    file = tmp_path / "operator.json"
    Credentials(EMAIL, "kept").save(file)

    # Then
    assert provide_operator(boto3.client("dynamodb"), stack, file)
    assert store.functions.calls == [("AddOperator", {"email": EMAIL, "password": "kept"})]


def test_a_lost_password_is_replaced(store: FakeStore, stack: Stack, tmp_path: Path) -> None:
    # Given
    registered(stack)

    # Then
    assert provide_operator(boto3.client("dynamodb"), stack, tmp_path / "operator.json")
    assert len(store.functions.calls) == 1
