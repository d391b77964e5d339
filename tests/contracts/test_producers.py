"""Every event that a service can write is what its schema says: made by the services' own rules."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from account import events as account_events
from account.domain import Account
from builders import ORIGIN, OWED, an_order
from inventory import domain as stock
from inventory import events as stock_events
from order import domain as orders
from order import erasure, payment_window, redrive
from order.domain import Failure, Order, Parked, Refund
from order.domain import Shipment as Carried
from payment import domain as payments
from payment import events as payment_events
from shared import clock, errors, outbox
from shared.events import DomainEvent
from shared.money import Money
from shared.tasks import Task
from shipping import domain as shipments
from shipping import events as shipment_events
from support.event_schemas import SCHEMAS, event_types, resolved, validate
from support.json_paths import paths_of
from support.template import ROOT

NOW = datetime(2026, 3, 1, 9, 31, tzinfo=UTC)
ORDER_ID = an_order().order_id
TASK = Task(ORDER_ID, ORDER_ID, ORIGIN, sequence=3)
TOTAL = Money(129_900, "USD")
# Words that begin and end as an event's name does.
EVENT_NAME = re.compile(
    r"(Account|Order|Password|Stock|Payment|Shipment)([A-Z][a-z]+)*?[A-Z][a-z]*(ed|en|Attention)"
)


def of_orders() -> Iterator[DomainEvent | None]:
    """What becomes of an order, in every way that its rules tell apart."""
    placed, priced = an_order().build(), an_order().reserved().build()
    paid = an_order().paid().build()
    yield orders.place(placed, ORIGIN).event
    window = orders.PaymentWindow("token", NOW)
    yield payment_window.ask_for_payment(unpaid(priced), window, ORIGIN, NOW).event
    yield orders.request_cancellation(priced, ORIGIN, NOW).event
    yield orders.complete(paid, Carried("Saga Parcel", "SP1"), ORIGIN, NOW).event
    for error in (*error_names(), "a bug"):
        turned = orders.begin_cancellation(paid, Failure(error, ""), ORIGIN, NOW)
        yield turned.event
        yield orders.cancel(turned.order, None, ORIGIN, NOW).event
        yield orders.cancel(turned.order, Refund(129_900, "USD"), ORIGIN, NOW).event
    for order in (an_order(), an_order().reserved(), an_order().paid()):
        for compensation in orders.COMPENSATIONS:
            stuck = Parked(compensation, "RefundUnavailable")
            for owed in (OWED, replace(OWED, refund_cents=None, unanswered=["payment"])):
                turned_back = order.cancelling().build()
                yield orders.flag_for_attention(turned_back, stuck, owed, ORIGIN, NOW).event
            parked = order.parked(compensation).build()
            yield redrive.count_redrive(parked, "ada", "Fixed.", ORIGIN, NOW).event
    yield erasure.anonymize(an_order().completed().build(), ORIGIN, NOW).event
    yield redrive.count_redrive(paid, "sweeper", "Its saga died.", ORIGIN, NOW).event


def of_changes() -> Iterator[DomainEvent]:
    """That an order has changed."""
    order = an_order().paid().build()
    row = {**asdict(order), "updated_at": clock.to_iso(order.updated_at)}
    yield outbox.change_of_order(row)


def of_stock() -> Iterator[DomainEvent]:
    """What becomes of a reservation."""
    laptop = stock.Product("laptop", "Laptop", "Computes.", TOTAL, 5, 0, 0, 5, 1)
    for quantity in (2, 6):
        decided = stock.decide(
            ORDER_ID, [stock.OrderLine("laptop", quantity)], {"laptop": laptop}, NOW
        )
        yield stock_events.event_of(decided, NOW, TASK)
    unknown = stock.decide(ORDER_ID, [stock.OrderLine("unknown", 1)], {}, NOW)
    yield stock_events.event_of(unknown, NOW, TASK)
    reserved = stock.decide(ORDER_ID, [stock.OrderLine("laptop", 1)], {"laptop": laptop}, NOW)
    for after in (stock.commit(reserved, NOW), stock.release(reserved, NOW)):
        yield stock_events.event_of(after, NOW, TASK)


def of_payments() -> Iterator[DomainEvent]:
    """What becomes of a payment."""
    begun = payments.begin(ORDER_ID, TOTAL, NOW)
    captured = payments.capture(begun, NOW)
    yield payment_events.event_of("PaymentCaptured", captured, NOW, TASK)
    declined = payments.decline(begun, "card_declined", NOW)
    yield payment_events.event_of("PaymentDeclined", declined, NOW, TASK)
    refunded = payments.refund(captured, NOW)
    yield payment_events.event_of("PaymentRefunded", refunded, NOW, TASK)


def of_shipments() -> Iterator[DomainEvent]:
    """What becomes of a shipment."""
    begun = shipments.begin(ORDER_ID, shipments.Address("", "", "", "", "XX"), NOW)
    booking = shipments.Booking("Saga Parcel", "SP1", NOW)
    created = shipments.create(begun, booking, NOW)
    yield shipment_events.event_of("ShipmentCreated", created, NOW, TASK)
    rejected = shipments.reject(begun, "nobody delivers to XX", NOW)
    yield shipment_events.event_of("ShipmentRejected", rejected, NOW, TASK)
    cancelled = shipments.cancel(created, booking, NOW)
    yield shipment_events.event_of("ShipmentCancelled", cancelled, NOW, TASK)


def of_accounts() -> Iterator[DomainEvent]:
    """What becomes of an account."""
    account = Account("acc_01JNQ4ZV8X0000000000000001", "", "", "customer", "", NOW, NOW)
    for name in ("AccountRegistered", "PasswordChanged", "AccountDeleted"):
        yield account_events.event_of(name, account, ORIGIN, NOW)


def unpaid(order: Order) -> Order:
    """The order without the payment token that it was placed with."""
    return orders.changed(order, NOW, payment_token=None)


def error_names() -> list[str]:
    """The names of all failures, with which a saga may cancel an order."""
    return [name for name, thing in vars(errors).items() if isinstance(thing, type)]


PRODUCED = [
    event
    for events in (
        of_orders(),
        of_changes(),
        of_stock(),
        of_payments(),
        of_shipments(),
        of_accounts(),
    )
    for event in events
    if event is not None
]


@pytest.mark.parametrize("event", PRODUCED, ids=lambda event: event.type)
def test_what_is_written_is_what_its_schema_says(event: DomainEvent) -> None:
    validate(event.type, event.envelope())


def test_every_event_with_a_schema_is_written_and_the_other_way_round() -> None:
    assert {event.type for event in PRODUCED} == set(event_types())


@pytest.mark.parametrize("event_type", event_types())
def test_every_field_of_a_schema_is_really_written(event_type: str) -> None:
    # Given
    documented = set(_paths_of_schema(resolved(SCHEMAS / f"{event_type}.v1.json")))

    # When
    written = {
        path
        for event in PRODUCED
        if event.type == event_type
        for path in paths_of(event.envelope())
    }

    # Then
    assert written == documented


def test_no_event_is_named_in_the_code_without_a_schema() -> None:
    named = {
        node.value
        for path in (ROOT / "functions").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and EVENT_NAME.fullmatch(node.value)
    }

    assert named - set(error_names()) <= set(event_types()) <= named


def _paths_of_schema(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    yield path
    for name, part in schema.get("properties", {}).items():
        yield from _paths_of_schema(part, f"{path}.{name}")
    if "items" in schema:
        yield from _paths_of_schema(schema["items"], f"{path}[]")
