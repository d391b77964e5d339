"""The order table: what is written together, and what a busy table does to it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders import ACCOUNT_ID, ORIGIN, PLACED_AT, OrderBuilder, an_order, undone
from order import domain, repository
from order.domain import Change, Failure, Order, Parked, Status
from order.limits import Cap
from order.repository import CapReached, OrderRepository
from shared import dynamodb
from shared.errors import InvalidToken, NotFound, StorageContention
from shared.events import DomainEvent, PublishedEvent
from shared.storage import Unreadable
from unit.order.fakes import FakeOrders

type Orders = OrderRepository | FakeOrders

SECOND_ID = "ord_01JNQ4ZV8X0000000000000002"
NEW_ATTRIBUTES = [
    "trace_id",
    "payment_window",
    "payment_expired_at",
    "cancel_requested_at",
    "shipment",
    "parked",
    "redrives",
    "swept",
    "unsettled",
]


@pytest.fixture
def table(order_table: str) -> OrderRepository:
    return OrderRepository(dynamodb.client(), order_table)


@pytest.fixture(params=["table", "fake"])
def orders(request: pytest.FixtureRequest) -> Orders:
    """The table, and the fake that stands in for it in the service's other tests."""
    return request.getfixturevalue("table") if request.param == "table" else FakeOrders()


def rows(table_name: str) -> list[dict[str, Any]]:
    items = dynamodb.client().scan(TableName=table_name)["Items"]
    return [dynamodb.from_item(item) for item in items]


class BusyDynamoDB:
    """DynamoDB that answers the first transactions with a conflict."""

    def __init__(self, conflicts: int) -> None:
        self._conflicts = conflicts

    def transact_write_items(self, **request: Any) -> Any:
        """TransactWriteItems."""
        if self._conflicts:
            self._conflicts -= 1
            raise ClientError(
                {
                    "Error": {"Code": "TransactionCanceledException", "Message": "busy"},
                    "CancellationReasons": [{"Code": "TransactionConflict"}],
                },
                "TransactWriteItems",
            )
        return dynamodb.client().transact_write_items(**request)


@pytest.mark.parametrize(
    "order",
    [
        an_order().with_item("a", 2).with_item("b", 1),
        an_order().reserved(),
        an_order().awaiting_payment(),
        an_order().completed(),
    ],
    ids=["pending", "reserved", "awaiting payment", "completed"],
)
def test_an_order_reads_back_as_it_was_stored(orders: Orders, order: OrderBuilder) -> None:
    # Given
    orders.add(domain.place(order.build(), ORIGIN), None)

    # Then
    assert orders.get(order.order_id) == order.build()


def test_a_cancelled_order_reads_back_with_its_reason(orders: Orders) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)
    change = undone(order, "OutOfStock", PLACED_AT + timedelta(seconds=1))

    # When
    orders.save(order, change)

    # Then
    assert orders.get(order.order_id) == change.order


def test_a_parked_order_reads_back_with_all_that_a_redrive_needs(
    orders: Orders,
) -> None:
    # Given
    order = replace(
        an_order().paid().build(),
        status=Status.NEEDS_ATTENTION,
        failure=Failure("ShipmentRejected", "no such country"),
        parked=Parked("ReleaseStock", "KeyError"),
        redrives=1,
        swept=1,
        cancel_requested_at=PLACED_AT,
        payment_expired_at=PLACED_AT,
    )

    # When
    orders.add(Change(order), None)

    # Then
    assert orders.get(order.order_id) == order


def test_an_order_from_before_it_could_be_paid_later_or_redriven_still_reads(
    table: OrderRepository, order_table: str
) -> None:
    # Given: its row as it was written then
    order = an_order().paid().build()
    table.add(Change(order), None)
    (row,) = rows(order_table)
    for name in NEW_ATTRIBUTES:
        del row[name]
    dynamodb.client().put_item(TableName=order_table, Item=dynamodb.to_item(row))

    # Then
    assert table.get(order.order_id) == replace(order, trace_id=None)


def test_the_index_holds_the_orders_with_something_left_to_do_the_longest_untouched_first(
    orders: Orders,
) -> None:
    # Given
    for number, status in enumerate(Status):
        order = replace(
            an_order().with_id(f"{SECOND_ID[:-1]}{number}").build(),
            status=status,
            updated_at=PLACED_AT - timedelta(seconds=number),
        )
        orders.add(Change(order), None)

    # Then
    assert [order.status for order in orders.unsettled()] == [
        Status.NEEDS_ATTENTION,
        Status.CANCELLING,
        Status.PAID,
        Status.AWAITING_PAYMENT,
        Status.PENDING,
    ]


def test_an_order_that_ends_leaves_the_index(orders: Orders) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)

    # When
    orders.save(order, undone(order, "OutOfStock", PLACED_AT))

    # Then
    assert list(orders.unsettled()) == []


def test_the_status_of_many_orders_is_told_at_once_and_of_those_that_exist(
    orders: Orders,
) -> None:
    # Given
    orders.add(Change(an_order().build()), None)
    orders.add(Change(an_order().with_id(SECOND_ID).paid().build()), None)
    asked = [SECOND_ID, "nonsense", an_order().order_id, SECOND_ID, f"{SECOND_ID[:-1]}9"]

    # Then
    assert orders.statuses(asked) == {an_order().order_id: "PENDING", SECOND_ID: "PAID"}
    assert orders.statuses([]) == {}


def test_one_unreadable_row_does_not_stop_a_sweep(table: OrderRepository, order_table: str) -> None:
    # Given an order with a status of a later release, and one without its time
    for number in (1, 2, 3):
        table.add(Change(an_order().with_id(f"{SECOND_ID[:-1]}{number}").build()), None)
    strange, timeless, sound = rows(order_table)
    dynamodb.client().put_item(
        TableName=order_table, Item=dynamodb.to_item(strange | {"status": "FROZEN"})
    )
    dynamodb.client().put_item(
        TableName=order_table, Item=dynamodb.to_item(timeless | {"created_at": None})
    )
    order_ids = [f"{SECOND_ID[:-1]}{number}" for number in (1, 2, 3)]

    # Then the order's own sweep meets all three, and other services' sweeps learn what they can
    found = {row.order_id: type(row) for row in table.unsettled()}
    assert found == {
        strange["order_id"]: Unreadable,
        timeless["order_id"]: Unreadable,
        sound["order_id"]: Order,
    }
    assert table.statuses(order_ids).keys() == set(order_ids) - {strange["order_id"]}


def test_an_order_its_event_and_its_key_are_stored_together(
    table: OrderRepository, order_table: str
) -> None:
    # When
    table.add(domain.place(an_order().build(), ORIGIN), "key-1")

    # Then
    entities = sorted(row["entity"] for row in rows(order_table))
    assert entities == ["idempotency", "order", "outbox_event"]


def test_a_key_that_was_used_stores_nothing_and_tells_its_first_order(
    table: OrderRepository, order_table: str
) -> None:
    # Given
    table.add(domain.place(an_order().build(), ORIGIN), "key-1")
    before = rows(order_table)
    second = an_order().with_id(SECOND_ID).build()

    # When
    placed = table.add(domain.place(second, ORIGIN), "key-1")

    # Then
    assert placed == an_order().order_id
    assert rows(order_table) == before


def test_a_key_is_free_again_after_a_day_even_if_its_row_is_still_there(
    orders: Orders,
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), "key-1")

    def place_after(delay: timedelta) -> str:
        order = an_order().with_id(SECOND_ID).build()
        order = replace(order, created_at=PLACED_AT + delay)
        return orders.add(domain.place(order, ORIGIN), "key-1")

    # Then
    last_moment = PLACED_AT + repository.IDEMPOTENCY_LIFETIME
    assert orders.placed_under("key-1", last_moment) == an_order().order_id
    assert orders.placed_under("key-1", last_moment + timedelta(seconds=1)) is None
    assert orders.placed_under("key-2", PLACED_AT) is None
    assert place_after(repository.IDEMPOTENCY_LIFETIME) == an_order().order_id
    assert place_after(repository.IDEMPOTENCY_LIFETIME + timedelta(seconds=1)) == SECOND_ID


def test_an_id_that_is_taken_never_overwrites_an_order(
    orders: Orders,
) -> None:
    # Given
    first = an_order().build()
    orders.add(domain.place(first, ORIGIN), None)

    # When
    orders.add(domain.place(replace(first, email="eve@example.com"), ORIGIN), None)

    # Then
    assert orders.get(first.order_id) == first
    assert len(orders.events(first.order_id)) == 1


def test_a_placement_that_collided_is_tried_again(order_table: str) -> None:
    # Given
    orders = OrderRepository(BusyDynamoDB(conflicts=2), order_table)  # type: ignore[arg-type]

    # When
    placed = orders.add(domain.place(an_order().build(), ORIGIN), "key-1")

    # Then
    assert placed == an_order().order_id
    assert len(rows(order_table)) == 3


def test_a_placement_that_always_collides_gives_up(
    order_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders = OrderRepository(BusyDynamoDB(conflicts=100), order_table)  # type: ignore[arg-type]

    # When
    with pytest.raises(StorageContention):
        orders.add(domain.place(an_order().build(), ORIGIN), "key-1")

    # Then
    assert rows(order_table) == []


def test_a_decision_on_an_order_that_changed_meanwhile_is_not_stored(
    orders: Orders,
) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)
    first = undone(order, "OutOfStock", PLACED_AT)
    orders.save(order, first)

    # When
    with pytest.raises(StorageContention):
        orders.save(order, undone(order, "PaymentDeclined", PLACED_AT))

    # Then
    assert orders.get(order.order_id) == first.order


@pytest.mark.parametrize("read", ["get", "events"])
@pytest.mark.parametrize("order_id", [SECOND_ID, "nonsense", "ord_" + "9" * 3000])
def test_an_order_that_does_not_exist_is_not_found(
    orders: Orders, read: str, order_id: str
) -> None:
    with pytest.raises(NotFound) as caught:
        getattr(orders, read)(order_id)
    assert caught.value.code == "ORDER_NOT_FOUND"


def test_the_log_is_in_the_order_of_time_whoever_wrote_it_and_however_late(
    orders: Orders,
) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)
    for seconds, event_type in [(3, "StockReleased"), (1, "StockReserved"), (2, "PaymentDeclined")]:
        event = DomainEvent(
            "other", event_type, order.order_id, PLACED_AT + timedelta(seconds=seconds), ORIGIN, {}
        )
        orders.log(PublishedEvent(event.source, event.type, event.envelope()))

    # When
    types = [event.type for event in orders.events(order.order_id)]

    # Then
    assert types == ["OrderPlaced", "StockReserved", "PaymentDeclined", "StockReleased"]


def test_the_orders_of_others_are_not_in_the_log(orders: Orders) -> None:
    # Given
    for builder in (an_order(), an_order().with_id(SECOND_ID)):
        orders.add(domain.place(builder.build(), ORIGIN), None)

    # Then
    assert len(orders.events(SECOND_ID)) == 1


def test_an_event_that_comes_twice_is_logged_once_and_never_published(
    table: OrderRepository, order_table: str
) -> None:
    # Given
    order = an_order().build()
    table.add(domain.place(order, ORIGIN), None)
    event = DomainEvent("payment", "PaymentDeclined", order.order_id, PLACED_AT, ORIGIN, {})

    # When
    for _ in range(2):
        table.log(PublishedEvent(event.source, event.type, event.envelope()))

    # Then
    entities = {row["entity"] for row in rows(order_table) if "detail_type" in row}
    assert entities == {"outbox_event", "logged_event"}
    assert len(table.events(order.order_id)) == 2


def test_a_closed_account_is_remembered_until_it_is_forgotten(orders: Orders) -> None:
    # Given
    orders.close_account(ACCOUNT_ID, PLACED_AT)
    assert orders.closed_accounts() == {ACCOUNT_ID: PLACED_AT}

    # Then
    with pytest.raises(InvalidToken):
        orders.add(Change(an_order().owned_by(ACCOUNT_ID).build()), None)
    orders.add(Change(an_order().build()), None)

    # And when it is forgotten
    orders.forget_account(ACCOUNT_ID)
    assert orders.closed_accounts() == {}
    orders.add(Change(an_order().with_id(SECOND_ID).owned_by(ACCOUNT_ID).build()), None)
    assert list(orders.owned_ids(ACCOUNT_ID)) == [SECOND_ID]
    assert list(orders.owned_ids(ACCOUNT_ID, SECOND_ID)) == []


def test_an_order_is_found_by_its_key_where_its_caller_has_no_room_for_another(
    orders: Orders,
) -> None:
    # Given
    caps = {"somebody": Cap(orders=1, units=1)}
    order_id = orders.add(Change(an_order().unpaid().build()), "key-1", caps)

    # Then
    again = Change(an_order().unpaid().with_id(SECOND_ID).build())
    assert orders.add(again, "key-1", caps) == order_id
    with pytest.raises(CapReached):
        orders.add(again, "key-2", caps)
    assert orders.placed_under("key-2", PLACED_AT) is None
