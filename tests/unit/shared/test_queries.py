"""Asking another service's function."""

import io
import json
from typing import Any

import pytest

from shared import queries
from shared.queries import QueryFailed


class FakeLambda:
    """Lambda with one function, and what it was asked."""

    def __init__(self, answer: Any, error: str | None = None) -> None:
        self._answer = answer
        self._error = {"FunctionError": error} if error else {}
        self.asked: list[tuple[str, Any]] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        """Answers as boto3's client does."""
        self.asked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(json.dumps(self._answer).encode()), **self._error}


def reach(monkeypatch: pytest.MonkeyPatch, answer: Any, error: str | None = None) -> FakeLambda:
    fake = FakeLambda(answer, error)
    monkeypatch.setattr(queries, "_client", lambda timeout: fake)
    return fake


def test_the_answer_is_what_the_function_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = reach(monkeypatch, {"email": "ada@example.com"})

    answer = queries.ask("OrderQueries", {"order_id": "ord_1"})

    assert answer == {"email": "ada@example.com"}
    assert fake.asked == [("OrderQueries", {"order_id": "ord_1"})]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"errorType": "NotFound", "errorMessage": "nothing of ada@example.com's"}, "NotFound"),
        ({"errorMessage": "Task timed out after 10.00 seconds"}, "an unknown error"),
    ],
)
def test_a_failure_is_told_by_its_type_alone(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], error: str
) -> None:
    reach(monkeypatch, answer, error="Unhandled")

    with pytest.raises(QueryFailed) as failure:
        queries.ask("OrderQueries", {"order_id": "ord_1"})

    assert failure.value.error == error
    assert str(failure.value) == f"OrderQueries failed with {error}"
