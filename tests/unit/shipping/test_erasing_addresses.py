"""An order that was anonymized has no address any more at the shipping service."""

import json
from datetime import timedelta
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, PLACED_AT, a_request
from shared import dynamodb
from shared.events import DomainEvent
from shared.tasks import Task
from shared.tokens import Tokens
from shipping import api, consumer, service, wiring
from shipping.domain import Address, Item, ShipmentStatus
from shipping.repository import ShipmentTable
from unit.fakes import FakeRepository

ADDRESS = Address("1 Main St", "Springfield", "IL", "62701", "US")
TASK = Task(ORDER_ID, ORDER_ID, ORIGIN)
ITEMS = (Item("product-001", 1),)


@pytest.fixture
def anonymize(lambda_context: Any, frozen_clock: Any) -> Any:
    """Hears that the order was anonymized."""
    event = DomainEvent("order", "OrderAnonymized", ORDER_ID, PLACED_AT, ORIGIN, {})
    body = {"source": event.source, "detail-type": event.type, "detail": event.envelope()}
    message = {"messageId": "m1", "eventSource": "aws:sqs", "body": json.dumps(body)}

    def hear() -> None:
        answer = consumer.handler({"Records": [message]}, lambda_context)
        assert answer == {"batchItemFailures": []}

    return hear


def test_the_address_is_gone_and_the_parcel_stays(
    repository: FakeRepository[Any], carrier: Any, book: Any, anonymize: Any
) -> None:
    # Given
    before = service.create(repository, carrier, TASK, ADDRESS, ITEMS, PLACED_AT)
    booked = book.row()

    # When: as often as it comes
    for _ in range(2):
        anonymize()

    # Then
    after = repository.find(ORDER_ID)
    assert after is not None
    assert (after.address, after.booking, after.status) == (None, before.booking, before.status)
    assert after.version == before.version + 1
    assert book.row() == booked
    assert [name for name, _ in repository.events()] == ["ShipmentCreated"]


def test_a_cancelled_shipment_s_address_goes_too(
    repository: FakeRepository[Any], carrier: Any, anonymize: Any
) -> None:
    # Given
    service.create(repository, carrier, TASK, ADDRESS, ITEMS, PLACED_AT)
    service.cancel(repository, carrier, TASK, PLACED_AT + timedelta(minutes=1))

    # When
    anonymize()

    # Then
    shipment = repository.find(ORDER_ID)
    assert shipment is not None
    assert (shipment.address, shipment.status) == (None, ShipmentStatus.CANCELLED)
    assert not shipment.is_tombstone


def test_an_order_that_was_never_shipped_has_nothing_to_erase(
    repository: FakeRepository[Any], anonymize: Any
) -> None:
    anonymize()

    assert repository.find(ORDER_ID) is None


def test_a_row_without_an_address_is_read_and_shown(
    shipping_table: str,
    carrier: Any,
    lambda_context: Any,
    stack_tokens: Tokens,
    monkeypatch: pytest.MonkeyPatch,
    frozen_clock: Any,
) -> None:
    # Given

    table = ShipmentTable(dynamodb.client(), shipping_table)
    monkeypatch.setattr(wiring, "repository", lambda: table)
    service.create(table, carrier, TASK, ADDRESS, ITEMS, PLACED_AT)
    service.erase_address(table, ORDER_ID, PLACED_AT)

    # When
    token = stack_tokens.for_order(ORDER_ID, PLACED_AT)
    request = a_request(
        "GET",
        "/orders/{order_id}/shipment",
        order_id=ORDER_ID,
        headers={"Authorization": f"Bearer {token}"},
    )
    response = api.handler(request, lambda_context)

    # Then
    assert response["statusCode"] == 200
    assert json.loads(response["body"])["address"] is None
