"""The order table: what is written together, and what a busy table does to it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders import ORIGIN, PLACED_AT, OrderBuilder, an_order
from order import domain, repository
from order.domain import Placement
from order.repository import OrderRepository
from order.timeline import LoggedEvent
from shared import dynamodb
from shared.dynamodb import ConditionFailed
from shared.errors import NotFound, StorageContention
from shared.events import DomainEvent

SECOND_ID = "ord_01JNQ4ZV8X0000000000000002"
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
    [an_order().with_item("a", 2).with_item("b", 1), an_order().reserved(), an_order().completed()],
    ids=["pending", "reserved", "completed"],
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
