"""Which events a replay sends to whom, and in which form."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sagashop_ops.durations import read_since
from sagashop_ops.errors import InvalidArgument, OperationRefused, UnknownName
from sagashop_ops.replay import StoredEvent, find_consumer, replay
from support.operators import FakeJournal, FakeStore

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PATTERNS = {
    "shop-OrderPlacedRule": {"source": ["sagashop.order"], "detail-type": ["OrderPlaced"]},
    "shop-NotificationRule": {
        "source": ["sagashop.order"],
        "detail-type": ["OrderPlaced", "OrderCompleted"],
    },
}


class FakeEvents:
    def describe_rule(self, Name: str, EventBusName: str) -> dict[str, str]:  # noqa: N803
        assert EventBusName == "shop-events"
        return {"EventPattern": json.dumps(PATTERNS[Name])}


def stored(detail_type: str, service: str = "order") -> StoredEvent:
    return StoredEvent(
        event_id=f"evt_{detail_type}",
        source=f"sagashop.{service}",
        detail_type=detail_type,
        detail={"metadata": {}, "data": {"order_id": "ord_1"}},
        occurred_at="2026-03-01T09:30:00.125Z",
    )


LOG = [
    stored("OrderPlaced"),
    stored("StockReserved", "inventory"),
    stored("OrderRedriven"),
    stored("OrderCompleted"),
]


@pytest.fixture
def shop() -> FakeStore:
    return FakeStore(clients={"events": FakeEvents()})


def replayed(shop: FakeStore, consumer: str, journal: FakeJournal) -> list[str]:
    chosen = find_consumer(consumer)
    return [e.detail_type for e in replay(shop.deployment, journal.as_journal, chosen, LOG)]


def test_a_consumer_hears_again_what_its_rule_lets_through(shop: FakeStore) -> None:
    assert replayed(shop, "sendnotification", FakeJournal()) == ["OrderPlaced", "OrderCompleted"]

    envelopes: list[dict[str, Any]] = [json.loads(b) for b in shop.sqs.bodies("notifications")]
    assert [envelope["detail-type"] for envelope in envelopes] == ["OrderPlaced", "OrderCompleted"]
    assert envelopes[0] == {
        "version": "0",
        "id": "evt_OrderPlaced",
        "source": "sagashop.order",
        "detail-type": "OrderPlaced",
        "account": "000000000000",
        "region": "us-east-1",
        "time": "2026-03-01T09:30:00Z",
        "resources": [],
        "detail": {"metadata": {}, "data": {"order_id": "ord_1"}},
    }


def test_a_function_without_a_queue_is_called(shop: FakeStore) -> None:
    assert replayed(shop, "StartSaga", FakeJournal()) == ["OrderPlaced"]

    ((function, envelope),) = shop.functions.calls
    assert (function, envelope["detail-type"]) == ("shop-StartSaga", "OrderPlaced")


def test_a_replay_is_on_record_with_how_far_it_came(shop: FakeStore) -> None:
    journal = FakeJournal()
    replayed(shop, "SendNotification", journal)
    shop.functions.errors["shop-StartSaga"] = "NotFound"
    with pytest.raises(OperationRefused):
        replayed(shop, "StartSaga", journal)

    assert journal.entries == [
        ("replay", "SendNotification", "", "DONE", {"events": 2, "delivered": 2}),
        ("replay", "StartSaga", "", "FAILED", {"events": 1}),
    ]


def test_an_unknown_consumer_is_told_with_those_that_exist() -> None:
    with pytest.raises(UnknownName, match="RecordEvent, SendNotification, StartSaga"):
        find_consumer("OrderApi")


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("30s", "2026-03-01T09:29:30+00:00"),
        ("2h", "2026-03-01T07:30:00+00:00"),
        ("7d", "2026-02-22T09:30:00+00:00"),
        ("2026-02-28T12:00:00Z", "2026-02-28T12:00:00+00:00"),
        ("2026-02-28T12:00:00+02:00", "2026-02-28T10:00:00+00:00"),
    ],
)
def test_a_time_is_given_as_such_or_by_how_long_ago_it_was(text: str, since: str) -> None:
    assert read_since(text, NOW) == datetime.fromisoformat(since)


@pytest.mark.parametrize("text", ["", "m", "yesterday", "-5m", "5x"])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a time"):
        read_since(text, NOW)
