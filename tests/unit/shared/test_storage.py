"""One row per order: the rules of the table in DynamoDB, and of the fake."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders import ORDER_ID, ORIGIN, PLACED_AT
from shared import clock, dynamodb
from shared.dynamodb import Item, from_item
from shared.errors import StorageContention
from shared.events import DomainEvent
from shared.storage import Position, Table, Unreadable, position_of
from unit.fakes import FakeRepository

LATER = PLACED_AT + timedelta(hours=1)
EVENT = DomainEvent("shipping", "ShipmentRejected", ORDER_ID, PLACED_AT, ORIGIN, {"reason": "full"})
OTHER_EVENT = replace(EVENT, data={"reason": "closed"}, occurrence=2)

type Events = Callable[[], list[tuple[str, dict[str, Any]]]]


@dataclass(frozen=True)
class Parcel:
    """A row."""

    order_id: str = ORDER_ID
    status: str = "HELD"
    updated_at: datetime = PLACED_AT
    version: int = 1


SENT = Parcel(status="SENT", updated_at=LATER, version=2)


class ParcelTable(Table[Parcel]):
    """The parcels in DynamoDB."""

    entity = "PARCEL"

    def _to_item(self, row: Parcel) -> Item:
        return {
            "order_id": row.order_id,
            "status": row.status,
            "updated_at": clock.to_iso(row.updated_at),
            "version": row.version,
        }

    def _from_item(self, item: Item) -> Parcel:
        updated_at = clock.from_iso(item["updated_at"])
        return Parcel(item["order_id"], item["status"], updated_at, item["version"])


@pytest.fixture(params=[FakeRepository, ParcelTable])
def parcels(request: pytest.FixtureRequest) -> Table[Parcel]:
    """The parcels in memory, and in DynamoDB."""
    if request.param is FakeRepository:
        return FakeRepository()
    return ParcelTable(dynamodb.client(), request.getfixturevalue("shipping_table"))


@pytest.fixture
def events(request: pytest.FixtureRequest, parcels: Any) -> Events:
    """Returns a reader of the outbox: `[(type, detail)]`."""
    if isinstance(parcels, FakeRepository):
        return parcels.events
    read: Events = request.getfixturevalue("table_events")
    return read


class TestRules:
    """What every repository does."""

    def test_an_order_has_no_row_until_one_is_created(self, parcels):
        assert parcels.find(ORDER_ID) is None

        assert parcels.create(Parcel()) == Parcel()

        assert parcels.find(ORDER_ID) == Parcel()

    def test_rows_are_found_together_once_each_and_without_those_that_are_missing(self, parcels):
        other = replace(SENT, order_id="ord_other")
        for row in (Parcel(), other):
            parcels.create(row)

        assert parcels.find_all([]) == []
        assert parcels.find_all(["ord_other", "ord_unknown", ORDER_ID, "ord_other"]) == [
            other,
            Parcel(),
        ]

    def test_the_first_row_stands(self, parcels, events):
        parcels.create(Parcel(), [EVENT])

        assert parcels.create(SENT, [OTHER_EVENT]) == Parcel()
        assert parcels.create(SENT) == Parcel()

        assert parcels.find(ORDER_ID) == Parcel()
        assert [detail["data"]["reason"] for _, detail in events()] == ["full"]

    def test_a_row_is_replaced_together_with_its_events(self, parcels, events):
        parcels.create(Parcel())

        parcels.update(Parcel(), SENT, [EVENT, OTHER_EVENT])

        assert parcels.find(ORDER_ID) == SENT
        assert sorted(detail["data"]["reason"] for _, detail in events()) == ["closed", "full"]

    def test_a_row_is_replaced_without_an_event(self, parcels, events):
        parcels.create(Parcel())

        parcels.update(Parcel(), SENT, [])

        assert (parcels.find(ORDER_ID), events()) == (SENT, [])

    @pytest.mark.parametrize("told", [[], [OTHER_EVENT]])
    def test_a_writer_that_was_overtaken_writes_nothing(self, parcels, events, told):
        parcels.create(Parcel())
        parcels.update(Parcel(), SENT, [EVENT])

        with pytest.raises(StorageContention):
            parcels.update(Parcel(), replace(SENT, status="LOST"), told)

        assert parcels.find(ORDER_ID) == SENT
        assert [detail["data"]["reason"] for _, detail in events()] == ["full"]

    def test_a_row_that_does_not_exist_is_not_replaced(self, parcels):
        with pytest.raises(StorageContention):
            parcels.update(Parcel(), SENT, [])
        assert parcels.find(ORDER_ID) is None

    def test_a_row_is_unsettled_once_it_rests(self, parcels):
        parcels.create(Parcel())

        assert list(parcels.unsettled(PLACED_AT)) == []
        assert list(parcels.unsettled(PLACED_AT + timedelta(seconds=1))) == [Parcel()]

    def test_the_index_gives_what_rests_longest_first(self, parcels):
        for minutes in (3, 1, 2, 4):
            order_id = f"{ORDER_ID[:-1]}{minutes}"
            parcels.create(Parcel(order_id, updated_at=PLACED_AT + timedelta(minutes=minutes)))

        found = list(parcels.unsettled(PLACED_AT + timedelta(minutes=4)))

        assert [parcel.order_id[-1] for parcel in found] == ["1", "2", "3"]

    def test_the_index_is_read_from_a_place_on(self, parcels):
        for number in (2, 1, 3):
            parcels.create(Parcel(f"{ORDER_ID[:-1]}{number}"))
        first, *others = parcels.unsettled(LATER)

        assert list(parcels.unsettled(LATER, position_of(first))) == others
        assert list(parcels.unsettled(LATER, position_of(others[-1]))) == []

    def test_nothing_rests_behind_a_place_that_is_too_young(self, parcels):
        parcels.create(Parcel())
        (row,) = parcels.unsettled(LATER)

        assert list(parcels.unsettled(PLACED_AT, position_of(row))) == []

    def test_a_row_that_changed_is_passed_by_the_place_that_it_had(self, parcels):
        for number in (1, 2):
            at = PLACED_AT + timedelta(minutes=number)
            parcels.create(Parcel(f"{ORDER_ID[:-1]}{number}", updated_at=at))
        first, second = parcels.unsettled(LATER)
        parcels.settle(first)

        assert list(parcels.unsettled(LATER, position_of(first))) == [second]

    def test_a_cursor_stands_until_it_is_moved(self, parcels):
        assert parcels.cursor() is None

        parcels.move_cursor(position := position_of(Parcel()))
        assert parcels.cursor() == position

        parcels.move_cursor(None)
        assert parcels.cursor() is None

    def test_a_settled_row_is_left_alone_until_it_changes(self, parcels):
        parcels.create(Parcel())

        parcels.settle(Parcel())
        assert list(parcels.unsettled(LATER)) == []

        parcels.update(Parcel(), SENT, [])
        assert list(parcels.unsettled(LATER + timedelta(seconds=1))) == [SENT]

    def test_a_row_that_changed_meanwhile_stays_unsettled(self, parcels):
        parcels.create(Parcel())
        parcels.update(Parcel(), SENT, [])

        with pytest.raises(StorageContention):
            parcels.settle(Parcel())
        assert list(parcels.unsettled(LATER + timedelta(seconds=1))) == [SENT]


class TestTable:
    """What DynamoDB adds."""

    def test_a_row_and_its_events_share_a_partition(self, shipping_table):
        client = dynamodb.client()
        table = ParcelTable(client, shipping_table)

        table.create(Parcel(), [EVENT])

        event, row = map(from_item, client.scan(TableName=shipping_table)["Items"])
        assert (row["pk"], row["sk"]) == (f"PARCEL#{ORDER_ID}", "PARCEL")
        assert row["unsettled"] == "Y"
        assert event["pk"] == row["pk"]
        assert json.loads(event["detail"])["data"]["reason"] == "full"

    @pytest.mark.parametrize(
        ("broken", "error"),
        [
            ({"status": None}, "KeyError"),
            ({"version": {"S": "one"}}, "TypeError"),
            ({"status": {"NULL": True}}, "TypeError"),
            ({"note": {"B": b"binary"}}, "TypeError"),
        ],
        ids=["missing", "wrong-type", "null", "unknown-type"],
    )
    def test_one_unreadable_row_does_not_stop_a_sweep(self, shipping_table, broken, error, logged):
        # Given
        client = dynamodb.client()
        table = ParcelTable(client, shipping_table)
        ids = [f"{ORDER_ID[:-1]}{number}" for number in (1, 2, 3)]
        for order_id in ids:
            table.create(Parcel(order_id))
        key = {"pk": {"S": f"PARCEL#{ids[1]}"}, "sk": {"S": "PARCEL"}}
        item = client.get_item(TableName=shipping_table, Key=key)["Item"] | broken
        written = {name: value for name, value in item.items() if value is not None}
        client.put_item(TableName=shipping_table, Item=written)

        # When
        found = {row.order_id: row for row in table.unsettled(LATER)}

        # Then
        position = Position(clock.to_iso(PLACED_AT), ids[1])
        assert found == {
            ids[0]: Parcel(ids[0]),
            ids[1]: Unreadable(position, error),
            ids[2]: Parcel(ids[2]),
        }
        (line,) = logged()
        assert (line["key"], line["error"]) == (f"PARCEL#{ids[1]}", error)
        assert not {"HELD", "binary"} & set(line.values())

    def test_a_busy_table_is_contention(self, shipping_table, monkeypatch):
        table = ParcelTable(dynamodb.client(), shipping_table)
        throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "any")

        def refuse(**_: object) -> None:
            raise throttled

        for call in ("get_item", "put_item", "transact_write_items", "update_item"):
            monkeypatch.setattr(dynamodb.client(), call, refuse)

        for call in (
            lambda: table.find(ORDER_ID),
            lambda: table.create(Parcel()),
            lambda: table.update(Parcel(), SENT, [EVENT]),
            lambda: table.settle(Parcel()),
            table.cursor,
            lambda: table.move_cursor(None),
        ):
            with pytest.raises(StorageContention):
                call()
