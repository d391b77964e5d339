"""Asking the order service whom an order belongs to."""

from collections.abc import Mapping
from typing import Any

import pytest

from notification.customers import find_email
from shared import queries
from shared.queries import QueryFailed


def asked(monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | Exception) -> str | None:
    def ask(function: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        assert (function, question) == ("OrderQueries", {"query": "customer", "order_id": "ord_1"})
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(queries, "ask", ask)
    return find_email("OrderQueries", "ord_1")


def test_the_order_service_knows_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, {"email": "ada@example.com"}) == "ada@example.com"


def test_an_order_that_does_not_exist_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, QueryFailed("OrderQueries", "NotFound")) is None


def test_any_other_failure_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QueryFailed):
        asked(monkeypatch, QueryFailed("OrderQueries", "StorageContention"))
