"""How an operator's redrive reaches the order service, and what is on record of it."""

from collections.abc import Mapping
from typing import Any

import pytest
import requests

from sagashop_ops import redrive as redrives
from sagashop_ops.errors import OperationRefused, UnknownOrder
from sagashop_ops.redrive import OperatorApi, redrive
from support.operators import FakeJournal

WHY = "the provider is back"


class FakeApi:
    """The operator's routes: one answer for every request, which is remembered."""

    def __init__(self) -> None:
        self.status = 202
        self.body: Mapping[str, Any] = {
            "order_id": "ord_1",
            "execution": "ord_1-r1",
            "resume_at": "CancelShipment",
        }
        self.requests: list[tuple[str, str, Any, Mapping[str, str]]] = []

    def request(
        self, method: str, url: str, json: Any, headers: Mapping[str, str], timeout: float
    ) -> requests.Response:
        self.requests.append((method, url, json, headers))
        answer = requests.Response()
        answer.status_code = self.status
        answer.json = lambda **_: self.body  # type: ignore[method-assign]
        return answer


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(redrives.requests, "request", fake.request)
    return fake


def asked(journal: FakeJournal, order_id: str = "ord_1") -> redrives.Redriven:
    return redrive(OperatorApi("http://shop", lambda: "token"), journal.as_journal, order_id, WHY)


def test_a_redrive_shows_the_token_and_says_why(api: FakeApi) -> None:
    redriven = asked(FakeJournal())

    ((method, url, body, headers),) = api.requests
    assert (method, url) == ("POST", "http://shop/ops/orders/ord_1/redrive")
    assert body == {"reason": WHY}
    assert headers == {"Authorization": "Bearer token"}
    assert str(redriven) == "Order ord_1 goes on at CancelShipment, as execution ord_1-r1."


def test_a_dead_saga_goes_on_from_the_start(api: FakeApi) -> None:
    api.body = {**api.body, "resume_at": None}

    assert "from the start" in str(asked(FakeJournal()))


def test_a_redrive_is_on_record(api: FakeApi) -> None:
    journal = FakeJournal()
    asked(journal)

    details = {"execution": "ord_1-r1", "resume_at": "CancelShipment"}
    assert journal.entries == [("redrive", "ord_1", WHY, "DONE", details)]


def test_what_the_store_refuses_is_told_and_on_record(api: FakeApi) -> None:
    journal = FakeJournal()
    api.status, api.body = 409, {"code": "SAGA_RUNNING", "detail": "The saga is running."}

    with pytest.raises(OperationRefused, match=r"The saga is running. \(SAGA_RUNNING\)"):
        asked(journal)

    assert journal.entries[0][3] == "FAILED"


def test_an_unknown_order_is_told(api: FakeApi) -> None:
    api.status = 404

    with pytest.raises(UnknownOrder, match="There is no order 'a/b'"):
        asked(FakeJournal(), "a/b")
    assert api.requests[0][1].endswith("/ops/orders/a%2Fb/redrive")
