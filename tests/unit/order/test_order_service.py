"""Placing an order, and deciding on one that others change at the same moment."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from builders import ORIGIN, PLACED_AT, a_request, an_order
from order import api, domain, service, wiring
from order.circuit import PaymentCircuit
from order.domain import Change, Order
from order.repository import OrderRepository
from shared import dynamodb
from shared.errors import StorageContention
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

type Place = Callable[..., dict[str, Any]]


class LossyDynamoDB:
    """DynamoDB that writes each transaction, and whose first answers are lost on their way."""

    def __init__(self, lost_answers: int = 0) -> None:
        self.lost_answers = lost_answers

    def transact_write_items(self, **request: Any) -> Any:
        """TransactWriteItems."""
        try:
            return dynamodb.client().transact_write_items(**request)
        finally:
            if self.lost_answers:
                self.lost_answers -= 1
                raise ReadTimeoutError(endpoint_url="https://dynamodb")

    def __getattr__(self, name: str) -> Any:
        return getattr(dynamodb.client(), name)


@pytest.fixture
def table(
    order_table: str, stepfunctions: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch
) -> LossyDynamoDB:
    """The real order table, empty; its answers arrive unless a test loses them."""
    lossy = LossyDynamoDB()
    orders = OrderRepository(lossy, order_table)  # type: ignore[arg-type]
    monkeypatch.setattr(wiring, "orders", lambda: orders)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return lossy


@pytest.fixture
def place(
    table: LossyDynamoDB, frozen_clock: Any, lambda_context: Any, stack_tokens: Tokens
) -> Place:
    """Calls `POST /orders`: `place(key="key-1", quantity=2)` gives status, headers and body."""

    def send(key: str | None = None, quantity: int = 1) -> dict[str, Any]:
        body = an_order().with_item("product-001", quantity).body()
        headers = {} if key is None else {"Idempotency-Key": key}
        request = a_request("POST", "/orders", body=body, headers=headers)
        response = api.handler(request, lambda_context)
        return {
            "status": response["statusCode"],
            "headers": response["headers"],
            "body": json.loads(response["body"]),
        }

    return send


def stored(entity: str) -> list[dict[str, Any]]:
    items = dynamodb.client().scan(TableName="sagashop-unit")["Items"]
    return [row for row in map(dynamodb.from_item, items) if row["entity"] == entity]


@pytest.mark.parametrize("key", [None, "key-1"])
def test_a_post_without_a_key_whose_reply_was_lost_answers_202(
    key: str | None, place: Place, table: LossyDynamoDB, stepfunctions: FakeStepFunctions
) -> None:
    # Given
    table.lost_answers = 1

    # When
    response = place(key)

    # Then the one order is the caller's, and its saga is started
    (order,) = stored("order")
    assert (response["status"], response["body"]["order_id"]) == (202, order["order_id"])
    assert list(stepfunctions.executions) == [order["order_id"]]


def test_an_order_without_a_key_whose_outcome_is_unknown_does_not_invite_a_second_one(
    place: Place, table: LossyDynamoDB
) -> None:
    # Given
    table.lost_answers = 100

    # When
    response = place()

    # Then
    assert len(stored("order")) == 1
    assert (response["status"], response["body"]["code"]) == (503, "SERVICE_BUSY")
    assert "not known whether the order was placed" in response["body"]["detail"]
    assert "could place a second one" in response["body"]["detail"]
    assert "Retry-After" not in response["headers"]


def test_an_order_with_a_key_whose_outcome_is_unknown_is_safe_to_repeat(
    place: Place, table: LossyDynamoDB
) -> None:
    # Given
    table.lost_answers = 100
    response = place("key-1")
    assert (response["status"], response["headers"]["Retry-After"]) == (503, "1")
    assert "Send the same request again" in response["body"]["detail"]

    # When
    table.lost_answers = 0
    repeated = place("key-1")

    # Then
    (order,) = stored("order")
    assert (repeated["status"], repeated["body"]["order_id"]) == (202, order["order_id"])


def test_a_deployment_never_turns_a_retry_into_a_409(place: Place) -> None:
    # Given an order that an earlier version placed, which kept a fingerprint in its own form
    first = place("key-1")
    (row,) = stored("idempotency")
    old = dynamodb.to_item(row | {"fingerprint": "of-a-form-that-is-forgotten"})
    dynamodb.client().put_item(TableName="sagashop-unit", Item=old)

    # When
    retry, another = place("key-1"), place("key-1", quantity=2)

    # Then
    assert (retry["status"], retry["body"]) == (202, first["body"])
    assert (another["status"], another["body"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


class FakeCircuit(PaymentCircuit):
    """A circuit that is open for so many seconds, or closed."""

    def __init__(self, seconds: int | None) -> None:
        self.seconds = seconds

    def retry_after(self, at: Any) -> int | None:
        """See `PaymentCircuit`."""
        return self.seconds


def test_a_new_order_is_refused_while_payments_do_not_work(
    place: Place, stepfunctions: FakeStepFunctions, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    circuit = FakeCircuit(20)
    monkeypatch.setattr(wiring, "payment_circuit", lambda: circuit)

    # When
    refused = [place(), place("key-1")]

    # Then
    for response in refused:
        assert (response["status"], response["body"]["code"]) == (503, "PAYMENTS_UNAVAILABLE")
        assert response["headers"]["Content-Type"] == "application/problem+json"
        assert response["headers"]["Retry-After"] == "20"
    assert stored("order") == []
    assert stepfunctions.executions == {}

    # And a key of a refused order is free
    circuit.seconds = None
    assert place("key-1", quantity=2)["status"] == 202


def test_an_order_that_was_placed_before_is_told_so_while_payments_do_not_work(
    place: Place, frozen_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    first = place("key-1")
    monkeypatch.setattr(wiring, "payment_circuit", lambda: FakeCircuit(20))

    # Then
    assert place("key-1")["body"] == first["body"]
    assert place("key-1", quantity=2)["status"] == 409
    frozen_clock.advance(days=1, seconds=2)
    assert place("key-1")["status"] == 503


class Interloper:
    """Decides on an order, and is overtaken by another writer the first few times."""

    def __init__(self, orders: FakeOrders, times: int) -> None:
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
    orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders.add(Change(an_order().build()), None)
    interloper = Interloper(orders, times=2)

    # When
    order = service.change(orders, an_order().order_id, interloper.decide)

    # Then both writers' changes are kept
    assert [seen.version for seen in interloper.seen] == [1, 2, 3]
    assert order == orders.get(order.order_id)
    assert (order.email, order.cancel_requested_at) == ("2@example.com", PLACED_AT)


def test_a_decision_that_is_always_overtaken_gives_up(
    orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders.add(Change(an_order().build()), None)

    # Then
    with pytest.raises(StorageContention):
        service.change(orders, an_order().order_id, Interloper(orders, times=100).decide)
    assert orders.get(an_order().order_id).cancel_requested_at is None
