"""The outbox: a row in the transaction, and the relay that takes it to the bus."""

import json
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT, TRACE_ID, an_order
from order import domain
from order.repository import OrderRepository
from shared import dynamodb, outbox
from shared.events import DomainEvent
from support.event_schemas import validate


class FakeBus:
    """An event bus that keeps what it takes, and refuses the events that it is told to refuse."""

    def __init__(self, *refused: str) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._refused = refused

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """EventBridge's call."""
        self.calls.append(Entries)
        return {"Entries": [self._result(entry) for entry in Entries]}

    @property
    def details(self) -> list[str]:
        """Everything that it was handed, in order."""
        return [entry["Detail"] for call in self.calls for entry in call]

    def _result(self, entry: dict[str, Any]) -> dict[str, str]:
        if entry["Detail"] in self._refused:
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}
        return {"EventId": "1"}


def detail_of(number: int, **data: str) -> str:
    metadata = {"event_id": f"evt_{number}", "correlation_id": "cor-1", "trace_id": TRACE_ID}
    return json.dumps({"metadata": metadata, "data": {"order_id": "ord_1", **data}})


def stream_record(
    number: int, detail: str | None = None, *, name: str = "INSERT", entity: str = "outbox_event"
) -> dict[str, Any]:
    row = {
        "pk": "ORDER#ord_1",
        "sk": f"EVENT#{number}",
        "entity": entity,
        "source": "sagashop.order",
        "detail_type": "OrderPlaced",
        "detail": detail_of(number) if detail is None else detail,
    }
    return {
        "eventName": name,
        "dynamodb": {"SequenceNumber": str(number), "NewImage": dynamodb.to_item(row)},
    }


@pytest.fixture
def put_on(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(bus: FakeBus) -> FakeBus:
        monkeypatch.setattr(outbox, "_bus", lambda: bus)
        return bus

    return use


def test_an_event_becomes_a_row_beside_its_entity() -> None:
    # Given
    event = DomainEvent("order", "OrderPlaced", "ord_1", PLACED_AT, ORIGIN, {"items": []})

    # When
    row = dynamodb.from_item(outbox.put("orders", "ORDER#ord_1", event)["Put"]["Item"])

    # Then
    assert row["pk"] == "ORDER#ord_1"
    assert row["sk"] == f"EVENT#2026-03-01T09:30:00.000Z#{event.event_id}"
    assert (row["entity"], row["source"], row["detail_type"]) == (
        "outbox_event",
        "sagashop.order",
        "OrderPlaced",
    )
    assert json.loads(row["detail"]) == {
        "metadata": {
            "event_id": event.event_id,
            "schema_version": 1,
            "occurred_at": "2026-03-01T09:30:00.000Z",
            "correlation_id": "cor-1",
            "causation_id": "request-1",
            "trace_id": TRACE_ID,
        },
        "data": {"order_id": "ord_1", "items": []},
    }


def test_the_relay_publishes_new_event_rows_in_the_streams_order(
    put_on: Any, lambda_context: Any
) -> None:
    # Given
    bus = put_on(FakeBus())
    records = [stream_record(number) for number in range(3)]

    # When
    response = outbox.relay({"Records": records}, lambda_context)

    # Then
    assert response == {"batchItemFailures": []}
    assert bus.calls[0][0] == {
        "EventBusName": "sagashop-unit",
        "Source": "sagashop.order",
        "DetailType": "OrderPlaced",
        "Detail": detail_of(0),
    }
    assert bus.details == [detail_of(0), detail_of(1), detail_of(2)]


def test_the_relay_tells_that_an_order_has_changed_and_nothing_of_it(
    order_table: str, put_on: Any, lambda_context: Any
) -> None:
    # Given
    bus, orders = put_on(FakeBus()), OrderRepository(dynamodb.client(), order_table)
    placed, paid = an_order().build(), an_order().paid().build()
    orders.add(domain.Change(placed), None)
    orders.update(placed, paid, [])
    (item,) = dynamodb.client().scan(TableName=order_table)["Items"]
    change = {
        "eventName": "MODIFY",
        "dynamodb": {"SequenceNumber": "7", "NewImage": item},
    }

    # When
    response = outbox.relay({"Records": [change]}, lambda_context)

    # Then
    assert response == {"batchItemFailures": []}
    ((entry,),) = bus.calls
    detail = json.loads(entry["Detail"])
    assert (entry["Source"], entry["DetailType"]) == ("sagashop.order.changes", "OrderChanged")
    validate("OrderChanged", detail)
    assert detail["data"] == {"order_id": paid.order_id}
    assert detail["metadata"]["sequence"] == paid.version
    assert detail["metadata"]["correlation_id"] == paid.correlation_id


def test_every_version_of_an_order_has_an_event_of_its_own() -> None:
    row = {
        "order_id": "ord_1",
        "updated_at": "2026-03-01T09:30:00.000Z",
        "correlation_id": "cor-1",
        "trace_id": TRACE_ID,
    }

    ids = {outbox.change_of_order({**row, "version": version}).event_id for version in (1, 2, 2, 3)}

    assert len(ids) == 3


def test_a_row_that_is_not_an_order_s_whole_one_stops_no_other(
    put_on: Any, lambda_context: Any
) -> None:
    # Given
    bus = put_on(FakeBus())
    torn = stream_record(1, name="MODIFY", entity="order")

    # When
    response = outbox.relay({"Records": [torn, stream_record(2)]}, lambda_context)

    # Then
    assert response == {"batchItemFailures": []}
    assert bus.details == [detail_of(2)]


def test_the_relay_logs_each_event_with_the_ids_that_link_it_to_its_order(
    put_on: Any, lambda_context: Any, logged: Any
) -> None:
    # Given
    put_on(FakeBus(detail_of(2)))

    # When
    outbox.relay({"Records": [stream_record(1), stream_record(2)]}, lambda_context)

    # Then
    published, refused = logged()
    assert published["message"] == "event published"
    assert refused["message"] == "event not published"
    assert [line["event_id"] for line in (published, refused)] == ["evt_1", "evt_2"]
    for line in (published, refused):
        assert (line["source"], line["detail_type"]) == ("sagashop.order", "OrderPlaced")
        assert (line["order_id"], line["correlation_id"]) == ("ord_1", "cor-1")
        assert line["trace_id"] == TRACE_ID


def test_the_relay_leaves_alone_what_is_no_new_event_of_the_service(
    put_on: Any, lambda_context: Any
) -> None:
    # Given
    bus = put_on(FakeBus())
    removal = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "3"}}
    records = [
        stream_record(1, name="MODIFY"),
        stream_record(2, entity="logged_event"),
        removal,
    ]

    # When
    response = outbox.relay({"Records": records}, lambda_context)

    # Then
    assert response == {"batchItemFailures": []}
    assert bus.calls == []


def test_the_relay_puts_at_most_ten_events_in_a_call(put_on: Any, lambda_context: Any) -> None:
    # Given
    bus = put_on(FakeBus())
    records = [stream_record(number) for number in range(21)]

    # When
    outbox.relay({"Records": records}, lambda_context)

    # Then
    assert [len(call) for call in bus.calls] == [10, 10, 1]


def test_the_relay_keeps_a_call_within_256_kilobytes(put_on: Any, lambda_context: Any) -> None:
    # Given
    bus = put_on(FakeBus())
    records = [stream_record(number, detail_of(number, note="x" * 120_000)) for number in range(3)]

    # When
    outbox.relay({"Records": records}, lambda_context)

    # Then
    assert [len(call) for call in bus.calls] == [2, 1]


def test_the_relay_returns_to_the_first_event_that_was_refused_and_sends_none_after_it(
    put_on: Any, lambda_context: Any
) -> None:
    # Given
    bus = put_on(FakeBus(detail_of(4), detail_of(6)))
    records = [stream_record(number) for number in range(15)]

    # When
    response = outbox.relay({"Records": records}, lambda_context)

    # Then
    assert response == {"batchItemFailures": [{"itemIdentifier": "4"}]}
    assert len(bus.calls) == 1
