"""Asking the order service whom an order belongs to."""

from collections.abc import Mapping
from typing import Any

import pytest

from builders import PLACED_AT
from notification.customers import Recipient, find_customer
from shared import queries
from shared.queries import QueryFailed


def asked(
    monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | Exception
) -> Recipient | None:
    def ask(function: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        assert (function, question) == ("OrderQueries", {"query": "customer", "order_id": "ord_1"})
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(queries, "ask", ask)
    return find_customer("OrderQueries", "ord_1")


def test_the_order_service_knows_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"email": "ada@example.com", "payment_due_at": None, "order_token": "a.b.c"}

    assert asked(monkeypatch, answer) == Recipient("ada@example.com", None, "a.b.c")


def test_the_order_service_knows_until_when_a_payment_can_be_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    due_at = "2026-03-01T09:30:00.000Z"
    answer = {"email": "ada@example.com", "payment_due_at": due_at, "order_token": "a.b.c"}

    assert asked(monkeypatch, answer) == Recipient("ada@example.com", PLACED_AT, "a.b.c")


def test_an_order_that_does_not_exist_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, QueryFailed("OrderQueries", "NotFound")) is None


def test_any_other_failure_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QueryFailed):
        asked(monkeypatch, QueryFailed("OrderQueries", "StorageContention"))
