"""The order table: what is written together, and what a busy table does to it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders import ORIGIN, PLACED_AT, OrderBuilder, an_order
from order import domain, repository
from order.domain import Change, Failure, Order, Parked, Placement, Refund, Status
from order.repository import OrderRepository
from order.timeline import LoggedEvent
from shared import dynamodb
from shared.dynamodb import ConditionFailed
from shared.errors import NotFound, StorageContention
from shared.events import DomainEvent

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
PLACEMENT = Placement("key-1", "fingerprint-1", an_order().order_id)


@pytest.fixture
def orders(order_table: str) -> OrderRepository:
    return OrderRepository(dynamodb.client(), order_table)


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
def test_an_order_reads_back_as_it_was_stored(orders: OrderRepository, order: OrderBuilder) -> None:
    # Given
    orders.add(domain.place(order.build(), ORIGIN), None)

    # Then
    assert orders.get(order.order_id) == order.build()


def test_a_cancelled_order_reads_back_with_its_reason(orders: OrderRepository) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)
    change = domain.cancel(order, "OutOfStock", ORIGIN, PLACED_AT + timedelta(seconds=1))

    # When
    orders.save(order, change)

    # Then
    assert orders.get(order.order_id) == change.order


def test_a_parked_order_reads_back_with_all_that_a_redrive_needs(orders: OrderRepository) -> None:
    # Given
    failure = Failure("ShipmentRejected", "no such country")
    parked = Parked(failure, "ReleaseStock", "KeyError", Refund(129_900, "USD"), redrive=1)
    order = replace(
        an_order().paid().build(),
        status=Status.NEEDS_ATTENTION,
        parked=parked,
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
    orders: OrderRepository, order_table: str
) -> None:
    # Given: its row as it was written then
    order = an_order().paid().build()
    orders.add(Change(order), None)
    (row,) = rows(order_table)
    for name in NEW_ATTRIBUTES:
        del row[name]
    dynamodb.client().put_item(TableName=order_table, Item=dynamodb.to_item(row))

    # Then
    assert orders.get(order.order_id) == replace(order, trace_id=None)


def test_the_index_holds_the_orders_with_something_left_to_do_the_longest_untouched_first(
    orders: OrderRepository,
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
        Status.PAID,
        Status.AWAITING_PAYMENT,
        Status.PENDING,
    ]


def test_an_order_that_ends_leaves_the_index(orders: OrderRepository) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)

    # When
    orders.save(order, domain.cancel(order, "OutOfStock", ORIGIN, PLACED_AT))

    # Then
    assert orders.unsettled() == []


def test_the_status_of_many_orders_is_told_at_once_and_of_those_that_exist(
    orders: OrderRepository,
) -> None:
    # Given
    orders.add(Change(an_order().build()), None)
    orders.add(Change(an_order().with_id(SECOND_ID).paid().build()), None)
    asked = [SECOND_ID, "nonsense", an_order().order_id, SECOND_ID, f"{SECOND_ID[:-1]}9"]

    # Then
    assert orders.statuses(asked) == {an_order().order_id: "PENDING", SECOND_ID: "PAID"}
    assert orders.statuses([]) == {}


class Interloper:
    """Decides on an order, and is overtaken by another writer the first few times."""

    def __init__(self, orders: OrderRepository, times: int) -> None:
        self._orders = orders
        self._times = times
        self.seen: list[Order] = []

    def decide(self, order: Order) -> Change:
        """Wants to cancel; somebody else's change comes first."""
        self.seen.append(order)
        if self._times:
            self._times -= 1
            other = domain.changed(order, order.updated_at, email=f"{len(self.seen)}@example.com")
            self._orders.save(order, Change(other))
        return domain.request_cancellation(order, ORIGIN, PLACED_AT)


def test_a_decision_that_was_overtaken_is_taken_again_on_the_order_as_it_is_then(
    orders: OrderRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders.add(Change(an_order().build()), None)
    interloper = Interloper(orders, times=2)

    # When
    order = orders.change(an_order().order_id, interloper.decide)

    # Then both writers' changes are kept
    assert [seen.version for seen in interloper.seen] == [1, 2, 3]
    assert order == orders.get(order.order_id)
    assert (order.email, order.cancel_requested_at) == ("2@example.com", PLACED_AT)


def test_a_decision_that_is_always_overtaken_gives_up(
    orders: OrderRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders.add(Change(an_order().build()), None)

    # Then
    with pytest.raises(StorageContention):
        orders.change(an_order().order_id, Interloper(orders, times=100).decide)
    assert orders.get(an_order().order_id).cancel_requested_at is None


def test_an_order_its_event_and_its_key_are_stored_together(
    orders: OrderRepository, order_table: str
) -> None:
    # When
    orders.add(domain.place(an_order().build(), ORIGIN), PLACEMENT)

    # Then
    entities = sorted(row["entity"] for row in rows(order_table))
    assert entities == ["idempotency", "order", "outbox_event"]


def test_a_key_that_was_used_stores_nothing_and_tells_its_first_order(
    orders: OrderRepository, order_table: str
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), PLACEMENT)
    before = rows(order_table)
    second = an_order().with_id(SECOND_ID).build()

    # When
    earlier = orders.add(
        domain.place(second, ORIGIN), Placement("key-1", "fingerprint-2", SECOND_ID)
    )

    # Then
    assert earlier == PLACEMENT
    assert rows(order_table) == before


def test_a_key_is_free_again_after_a_day_even_if_its_row_is_still_there(
    orders: OrderRepository,
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), PLACEMENT)

    def place_after(delay: timedelta) -> Placement | None:
        order = an_order().with_id(SECOND_ID).build()
        order = replace(order, created_at=PLACED_AT + delay)
        return orders.add(domain.place(order, ORIGIN), Placement("key-1", "f", SECOND_ID))

    # Then
    assert place_after(repository.IDEMPOTENCY_LIFETIME) == PLACEMENT
    assert place_after(repository.IDEMPOTENCY_LIFETIME + timedelta(seconds=1)) is None


def test_an_id_that_is_taken_never_overwrites_an_order(orders: OrderRepository) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)

    # Then
    with pytest.raises(ConditionFailed):
        orders.add(domain.place(an_order().build(), ORIGIN), None)


def test_a_placement_that_collided_is_tried_again(order_table: str) -> None:
    # Given
    orders = OrderRepository(BusyDynamoDB(conflicts=2), order_table)  # type: ignore[arg-type]

    # When
    earlier = orders.add(domain.place(an_order().build(), ORIGIN), PLACEMENT)

    # Then
    assert earlier is None
    assert len(rows(order_table)) == 3


def test_a_placement_that_always_collides_gives_up(
    order_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders = OrderRepository(BusyDynamoDB(conflicts=100), order_table)  # type: ignore[arg-type]

    # When
    with pytest.raises(StorageContention):
        orders.add(domain.place(an_order().build(), ORIGIN), PLACEMENT)

    # Then
    assert rows(order_table) == []


def test_a_decision_on_an_order_that_changed_meanwhile_is_not_stored(
    orders: OrderRepository,
) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)
    first = domain.cancel(order, "OutOfStock", ORIGIN, PLACED_AT)
    orders.save(order, first)

    # When
    with pytest.raises(StorageContention):
        orders.save(order, domain.cancel(order, "PaymentDeclined", ORIGIN, PLACED_AT))

    # Then
    assert orders.get(order.order_id) == first.order


@pytest.mark.parametrize("read", [OrderRepository.get, OrderRepository.events])
def test_an_order_that_does_not_exist_is_not_found(
    orders: OrderRepository, read: Callable[[OrderRepository, str], object]
) -> None:
    with pytest.raises(NotFound) as caught:
        read(orders, SECOND_ID)
    assert caught.value.code == "ORDER_NOT_FOUND"


def test_the_log_is_in_the_order_of_time_whoever_wrote_it_and_however_late(
    orders: OrderRepository,
) -> None:
    # Given
    order = an_order().build()
    orders.add(domain.place(order, ORIGIN), None)
    for seconds, event_type in [(3, "StockReleased"), (1, "StockReserved"), (2, "PaymentDeclined")]:
        event = DomainEvent(
            "other", event_type, order.order_id, PLACED_AT + timedelta(seconds=seconds), ORIGIN, {}
        )
        orders.log(LoggedEvent(event.source, event.type, event.envelope()))

    # When
    types = [event.type for event in orders.events(order.order_id)]

    # Then
    assert types == ["OrderPlaced", "StockReserved", "PaymentDeclined", "StockReleased"]


def test_the_orders_of_others_are_not_in_the_log(orders: OrderRepository) -> None:
    # Given
    for builder in (an_order(), an_order().with_id(SECOND_ID)):
        orders.add(domain.place(builder.build(), ORIGIN), None)

    # Then
    assert len(orders.events(SECOND_ID)) == 1
