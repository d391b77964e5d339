"""A deleted account's orders lose what they tell of their customer, and stay in the books."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders import ACCOUNT_ID, ORDER_ID, ORIGIN, PLACED_AT, OrderBuilder, an_order, undone
from order import domain, erasure, log, queries, sweeper, wiring
from order.domain import Change, Order, Status
from order.repository import OrderRepository
from shared import dynamodb
from shared.errors import InvalidToken
from shared.events import DomainEvent
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions

type Sweep = Callable[..., dict[str, Any]]
type TableEvents = Callable[[], list[tuple[str, dict[str, Any]]]]

PERSONAL = ("ada@example.com", "1 Main St", "Springfield", "62701", "tok_visa", ACCOUNT_ID)
STRANGER_ID = f"{ACCOUNT_ID[:-1]}2"
DELETED = DomainEvent(
    "account", "AccountDeleted", ACCOUNT_ID, PLACED_AT, ORIGIN, {}, subject="account"
)


@pytest.fixture
def orders(order_table: str, monkeypatch: pytest.MonkeyPatch) -> OrderRepository:
    """The real order table, empty."""
    repository = OrderRepository(dynamodb.client(), order_table)
    monkeypatch.setattr(wiring, "orders", lambda: repository)
    return repository


@pytest.fixture
def delete_account(orders: OrderRepository, frozen_clock: Any, lambda_context: Any) -> Any:
    """Hears that ACCOUNT_ID was deleted."""
    frozen_clock.at = PLACED_AT + timedelta(minutes=10)

    def hear() -> None:
        body = {"source": DELETED.source, "detail-type": DELETED.type, "detail": DELETED.envelope()}
        message = {"messageId": "m1", "eventSource": "aws:sqs", "body": json.dumps(body)}
        answer = log.record_events({"Records": [message]}, lambda_context)
        assert answer == {"batchItemFailures": []}

    return hear


@pytest.fixture
def sweep(
    orders: OrderRepository,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
) -> Sweep:
    def run(**event: Any) -> dict[str, Any]:
        frozen_clock.advance(minutes=10)
        return sweeper.sweep(event, lambda_context)

    return run


def placed(orders: OrderRepository, builder: OrderBuilder, account_id: str = ACCOUNT_ID) -> Order:
    """Stores an order of the account, and returns it."""
    order = builder.owned_by(account_id).build()
    orders.add(domain.place(order, ORIGIN), "key-1" if order.order_id == ORDER_ID else None)
    return order


def with_number(number: int) -> OrderBuilder:
    return an_order().completed().with_id(f"{ORDER_ID[:-3]}{number:03}")


def told_in(order_table: str, *, of: str = "") -> list[str]:
    """Returns what the table still tells of the customer, in rows whose key has `of`."""
    rows = dynamodb.client().scan(TableName=order_table)["Items"]
    text = str([row for row in rows if of in row["pk"]["S"]])
    return [word for word in PERSONAL if word in text]


def test_an_ended_order_is_anonymized_at_once(
    orders: OrderRepository, delete_account: Any, order_table: str, table_events: TableEvents
) -> None:
    # Given
    before = placed(orders, an_order().completed())

    # When
    delete_account()

    # Then its customer is gone, and the books are as they were
    after = orders.get(ORDER_ID)
    assert told_in(order_table, of="ORDER#") == []
    assert (after.email, after.shipping_address, after.account_id) == (None, None, None)
    kept = ("status", "lines", "total_cents", "currency", "payment", "shipment", "created_at")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    (_, (name, detail)) = table_events()
    assert (name, detail["data"]) == ("OrderAnonymized", {"order_id": ORDER_ID})
    assert detail["metadata"]["sequence"] == after.version
    assert detail["metadata"]["correlation_id"] == ORIGIN.correlation_id


def test_a_cancelled_order_keeps_why_it_was_and_not_what_its_step_was_given(
    orders: OrderRepository, delete_account: Any, order_table: str
) -> None:
    # Given
    order = placed(orders, an_order().paid())
    cancelled = undone(order, "ShipmentRejected").order
    failure = replace(cancelled.failure, cause="no way to 1 Main St, Springfield")  # type: ignore[type-var]
    orders.save(order, Change(replace(cancelled, failure=failure)))

    # When
    delete_account()

    # Then
    after = orders.get(ORDER_ID)
    assert after.failure is not None
    assert (after.failure.error, after.reason) == ("ShipmentRejected", cancelled.reason)
    assert told_in(order_table, of="ORDER#") == []


def test_an_account_is_deleted_as_often_as_its_event_comes(
    orders: OrderRepository, delete_account: Any, table_events: TableEvents
) -> None:
    # Given
    placed(orders, an_order().completed())

    # When
    for _ in range(3):
        delete_account()

    # Then
    assert [name for name, _ in table_events()] == ["OrderPlaced", "OrderAnonymized"]


def test_nobody_else_s_orders_are_touched(orders: OrderRepository, delete_account: Any) -> None:
    # Given
    other = placed(orders, an_order().completed(), STRANGER_ID)
    guest = an_order().completed().with_id(f"{ORDER_ID[:-1]}7").build()
    orders.add(Change(guest), None)

    # When
    delete_account()

    # Then
    assert orders.get(other.order_id) == other
    assert orders.get(guest.order_id) == guest


@pytest.mark.parametrize(
    "builder",
    [an_order(), an_order().awaiting_payment(), an_order().paid(), an_order().parked()],
    ids=lambda builder: builder.build().status,
)
def test_an_order_under_way_keeps_what_it_needs_until_it_has_ended(
    builder: OrderBuilder,
    orders: OrderRepository,
    delete_account: Any,
    sweep: Sweep,
    order_table: str,
) -> None:
    # Given
    before = placed(orders, builder)

    # When its account is deleted
    delete_account()

    # Then it goes on, and is nobody's
    marked = orders.get(ORDER_ID)
    assert (marked.email, marked.shipping_address) == (before.email, before.shipping_address)
    assert marked.account_id is None
    assert marked.is_to_be_anonymized

    # And when it ends, the next sweep that it has rested for anonymizes it
    ended = domain.changed(marked, PLACED_AT + timedelta(minutes=15), status=Status.CANCELLED)
    orders.save(marked, Change(ended))
    assert sweep(grace_seconds=3600)["repaired"] == []
    assert sweep()["repaired"] == [{"order_id": ORDER_ID, "what": "anonymized"}]
    assert told_in(order_table, of="ORDER#") == []
    assert sweep()["looked_at"] == 0


def test_an_order_that_waits_to_be_anonymized_is_no_open_one(
    orders: OrderRepository, delete_account: Any, sweep: Sweep
) -> None:
    # Given
    marked = erasure.request_erasure(placed(orders, an_order()), ORIGIN, PLACED_AT)
    before = orders.get(ORDER_ID)
    orders.save(before, marked)
    orders.save(
        marked.order, Change(domain.changed(marked.order, PLACED_AT, status=Status.COMPLETED))
    )

    # When
    report = sweep(grace_seconds=36000)

    # Then
    assert (report["parked"], report["oldest_open_seconds"]) == (0, 0)


def test_an_account_with_many_orders_is_erased_sweep_by_sweep(
    orders: OrderRepository,
    delete_account: Any,
    sweep: Sweep,
    order_table: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    monkeypatch.setattr(erasure, "AT_ONCE", 3)
    for number in range(8):
        placed(orders, with_number(number))
    delete_account()
    assert len(list(orders.owned_ids(ACCOUNT_ID))) == 5

    # When a sweep has time for two orders only
    left = iter([False, False, True])
    erased, failed = erasure.continue_erasures(orders, ORIGIN, PLACED_AT, lambda: next(left))
    assert (erased, failed) == (2, [])

    # Then the next one goes on where it stopped
    sweep()
    assert list(orders.owned_ids(ACCOUNT_ID)) == []
    assert told_in(order_table, of="ORDER#") == []


def test_an_order_that_cannot_be_erased_stops_no_other(
    orders: OrderRepository, delete_account: Any, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given three orders, one of which nobody can read
    monkeypatch.setattr(erasure, "AT_ONCE", 0)
    ids = [placed(orders, with_number(number)).order_id for number in range(3)]
    dynamodb.client().update_item(
        TableName="sagashop-unit",
        Key=dynamodb.to_item({"pk": f"ORDER#{ids[1]}", "sk": "ORDER"}),
        UpdateExpression="SET #status = :senseless",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues=dynamodb.to_item({":senseless": "LOST"}),
    )
    delete_account()

    # When
    report = sweep()

    # Then it is reported, and looked for again
    assert report["left"] == [{"order_id": ids[1], "what": "not erased"}]
    assert list(orders.owned_ids(ACCOUNT_ID)) == [ids[1]]
    assert orders.closed_accounts().keys() == {ACCOUNT_ID}


def test_a_deleted_account_s_token_places_no_order(
    orders: OrderRepository, delete_account: Any
) -> None:
    # Given
    delete_account()

    # Then
    for key in (None, "key-1"):
        with pytest.raises(InvalidToken):
            orders.add(Change(an_order().owned_by(ACCOUNT_ID).build()), key)
    assert list(orders.owned_ids(ACCOUNT_ID)) == []


def test_an_order_that_the_index_did_not_have_yet_is_found_later(
    orders: OrderRepository, delete_account: Any, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an order that was placed just before, and that the index shows a moment later
    placed(orders, an_order().completed())
    with monkeypatch.context() as lag:
        lag.setattr(orders, "owned_ids", lambda _: iter(()))
        delete_account()
        sweep()

    # When
    sweep()

    # Then
    assert orders.get(ORDER_ID).email is None


def test_an_account_is_watched_until_its_tokens_have_expired(
    orders: OrderRepository, delete_account: Any, sweep: Sweep
) -> None:
    # Given
    delete_account()

    # Then
    for _ in range(6):
        sweep()
        assert orders.closed_accounts()
    sweep()
    assert not orders.closed_accounts()


def test_an_anonymized_orders_customer_is_nobody(
    orders: OrderRepository, delete_account: Any, lambda_context: Any, stack_tokens: Tokens
) -> None:
    # Given
    placed(orders, an_order().completed())
    delete_account()

    # Then
    answer = queries.handler({"query": "customer", "order_id": ORDER_ID}, lambda_context)
    assert answer["email"] is None
    assert queries.handler({"query": "owner", "order_id": ORDER_ID}, lambda_context) == {
        "account_id": None
    }
