"""Consumers cope with whatever the events' schemas allow, those that were released included."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from builders import ORIGIN, an_order
from notification import consumer, messages, wiring
from order import domain, execution, log, starter, timeline
from order import wiring as order_wiring
from shared.events import PublishedEvent
from support.event_schemas import (
    SCHEMAS,
    event_types,
    files,
    order_event_types,
    releases,
    resolved,
    validate,
)
from support.instances import from_the_future, instances
from support.stepfunctions import FakeStepFunctions
from support.template import resources
from unit.notification.fakes import FakeCustomers, FakeMailer, FakeNotifications
from unit.order.fakes import FakeOrders

SOURCES = {"Order": "order", "Stock": "inventory", "Payment": "payment", "Shipment": "shipping"}
# PaymentRequested is the order's, who asks; what becomes of the money is the payment service's.
SOURCE_OF = {"PaymentRequested": "order"}


def told(folder: Path, *, later: bool = True) -> Iterator[Any]:
    """Yields every instance of every schema of an order's events, as a parameter with an id."""
    for file in files(folder):
        event_type = file.split(".")[0]
        if event_type not in order_event_types():
            continue
        schema = resolved(folder / file)
        for instance in [*instances(schema), *([from_the_future(schema)] if later else [])]:
            yield pytest.param(event_type, instance.detail, id=f"{event_type} {instance.name}")


TODAY = list(told(SCHEMAS))
RELEASED = [each for release in releases() for each in told(release, later=False)]
EVERYTHING = [*TODAY, *RELEASED]


def over_the_bus(event_type: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the event as EventBridge hands it over."""
    prefix = next(prefix for prefix in SOURCES if event_type.startswith(prefix))
    service = SOURCE_OF.get(event_type, SOURCES[prefix])
    return {"source": f"sagashop.{service}", "detail-type": event_type, "detail": detail}


def with_id(detail: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Returns the event under an id of its own; two with one id would be one that came twice."""
    return {**detail, "metadata": {**detail["metadata"], "event_id": f"evt_{number:026}"}}


def of_an_order_of_its_own(detail: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Returns the event about another order, whose story no other event makes out of date."""
    return {**detail, "data": {**detail["data"], "order_id": f"ord_{number:026}"}}


def over_the_queue(event_type: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a batch of one message from SQS."""
    body = json.dumps(over_the_bus(event_type, detail))
    return {"Records": [{"messageId": "m1", "eventSource": "aws:sqs", "body": body}]}


@pytest.mark.parametrize("event_type", event_types())
def test_what_is_made_from_a_schema_is_what_it_allows(event_type: str) -> None:
    made = list(instances(resolved(SCHEMAS / f"{event_type}.v1.json")))

    assert [instance.name for instance in made[:2]] == ["minimal", "maximal"]
    for instance in made:
        validate(event_type, instance.detail)


@pytest.mark.parametrize(("event_type", "detail"), EVERYTHING)
def test_the_timeline_has_a_sentence_for_it(event_type: str, detail: Mapping[str, Any]) -> None:
    event = PublishedEvent.from_eventbridge(over_the_bus(event_type, detail))

    (entry,) = timeline.timeline_view(an_order().order_id, [event])["events"]

    assert entry["summary"].strip()
    assert entry["event_id"] == detail["metadata"]["event_id"]


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> FakeOrders:
    """The one order that all these events are about."""
    fake = FakeOrders()
    fake.add(domain.place(an_order().build(), ORIGIN), None)
    monkeypatch.setattr(order_wiring, "orders", lambda: fake)
    return fake


def test_the_orders_log_takes_it(orders: FakeOrders, lambda_context: Any) -> None:
    for number, (event_type, detail) in enumerate(each.values for each in EVERYTHING):
        batch = over_the_queue(event_type, with_id(detail, number))
        answer = log.record_events(batch, lambda_context)
        assert answer == {"batchItemFailures": []}, event_type
    assert len(orders.events(an_order().order_id)) == 1 + len(EVERYTHING)


def test_the_starter_starts_an_order_by_it(
    orders: FakeOrders, lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for event_type, detail in (each.values for each in EVERYTHING):
        if event_type != "OrderPlaced":
            continue
        stepfunctions = FakeStepFunctions()
        monkeypatch.setattr(execution, "client", lambda fake=stepfunctions: fake)
        starter.start_saga(over_the_bus(event_type, detail), lambda_context)
        assert list(stepfunctions.executions) == [an_order().order_id]


def test_the_notification_service_writes_of_it(
    lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    post_office, notifications, customers = FakeMailer(), FakeNotifications(), FakeCustomers()
    monkeypatch.setattr(wiring, "mailer", lambda: post_office)
    monkeypatch.setattr(wiring, "notifications", lambda: notifications)
    monkeypatch.setattr(
        "notification.customers.find_customer",
        lambda _, order_id: customers.find_customer(order_id),
    )
    pattern = resources("AWS::Events::Rule")["NotificationRule"]["EventPattern"]
    # Every event of an order: what it does not write of makes older mail stale all the same.
    assert pattern == {"source": ["sagashop.order"]}
    told_of = [each.values for each in EVERYTHING]
    heard = [told for told in told_of if over_the_bus(*told)["source"] in pattern["source"]]
    due = [event_type for event_type, detail in heard if messages.write(event_type, detail["data"])]
    assert {"OrderPlaced", "OrderNeedsAttention", "PaymentRequested"} <= set(due)

    # When
    for number, (event_type, detail) in enumerate(heard):
        batch = over_the_queue(event_type, of_an_order_of_its_own(with_id(detail, number), number))
        answer = consumer.handler(batch, lambda_context)
        assert answer == {"batchItemFailures": []}, event_type

    # Then
    assert len(post_office.sent) == len(due)
    for _, message in post_office.sent:
        assert message.subject
        assert "None" not in message.text
