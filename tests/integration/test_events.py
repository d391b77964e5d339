"""What the world hears: every event once, as its schema says, and none that did not happen."""

from collections.abc import Callable
from typing import Any

import pytest

from sagashop_ops.client import Json, Line, StoreClient
from support import event_schemas
from support.bus import BusListener
from support.payment_window import payment_window
from support.saga import Saga
from support.waiting import eventually

SOLD = [
    "OrderPlaced",
    "StockReserved",
    "PaymentCaptured",
    "ShipmentCreated",
    "StockCommitted",
    "OrderCompleted",
]
TURNED_BACK = ["OrderCancellationStarted", "OrderCancelled"]
OUT_OF_STOCK = ["OrderPlaced", "StockReservationFailed", *TURNED_BACK]
DECLINED = ["OrderPlaced", "StockReserved", "PaymentDeclined", "StockReleased", *TURNED_BACK]
REFUNDED = [
    "OrderPlaced",
    "StockReserved",
    "PaymentCaptured",
    "PaymentRefunded",
    "StockReleased",
    *TURNED_BACK,
]
UNDELIVERABLE = [*REFUNDED, "ShipmentRejected"]
PAID_LATER = [*SOLD, "PaymentRequested"]
EXPIRED = ["OrderPlaced", "StockReserved", "PaymentRequested", "StockReleased", *TURNED_BACK]
CALLED_OFF = [*EXPIRED, "OrderCancellationRequested"]
STORIES = {
    "sold": SOLD,
    "refused": OUT_OF_STOCK,
    "declined": DECLINED,
    "refunded": REFUNDED,
    "undeliverable": UNDELIVERABLE,
    "paid later": PAID_LATER,
    "expired": EXPIRED,
    "called off": CALLED_OFF,
}


@pytest.fixture(scope="module")
def heard(
    stack: dict[str, Any],
    aws: Callable[[str], Any],
    store: StoreClient,
    saga: Saga,
    bus: BusListener,
    new_product: Callable[..., str],
) -> dict[str, list[Json]]:
    """What was heard of one order for each of the stories."""
    sku = new_product(20)
    orders = {
        "sold": store.place_order([Line(sku, 1)], "tok_visa"),
        "refused": store.place_order([Line(sku, 21)], "tok_visa"),
        "declined": store.place_order([Line(sku, 1)], "tok_declined"),
        "refunded": store.place_order([Line(sku, 1)], "tok_lost_reply"),
        "undeliverable": store.place_order([Line(sku, 1)], "tok_visa", country="XX"),
    }
    # Long enough to pay, and to ask for it, on a busy machine; short enough to wait for its end.
    with payment_window(8, stack, aws):
        for name in ("paid later", "called off", "expired"):
            orders[name] = store.place_order([Line(sku, 1)], None)
        for name in ("paid later", "called off"):
            store.wait_for(orders[name], {"AWAITING_PAYMENT"})
        assert store.pay(orders["paid later"], "tok_visa").status_code == 202
        assert store.cancel(orders["called off"]).status_code == 202
        saga.wait_until_ended(orders["expired"])
    for order_id in orders.values():
        saga.wait_until_ended(order_id)
    return {name: bus.wait_for(order_id, STORIES[name]) for name, order_id in orders.items()}


@pytest.mark.parametrize(("name", "types"), STORIES.items())
def test_the_bus_carries_exactly_what_happened(
    name: str, types: list[str], heard: dict[str, list[Json]]
) -> None:
    # Four tables' streams feed the bus side by side, so only the set is certain, not the order.
    assert sorted(event["detail-type"] for event in heard[name]) == sorted(types)


def test_each_event_has_an_id_of_its_own(heard: dict[str, list[Json]]) -> None:
    ids = [event["detail"]["metadata"]["event_id"] for events in heard.values() for event in events]

    assert len(ids) == len(set(ids))


def test_every_event_is_what_its_schema_says(heard: dict[str, list[Json]]) -> None:
    for events in heard.values():
        for event in events:
            event_schemas.validate(event["detail-type"], event["detail"])


def test_an_event_names_the_service_that_it_comes_from(heard: dict[str, list[Json]]) -> None:
    sources = {event["detail-type"]: event["source"] for event in heard["sold"]}

    assert sources == {
        "OrderPlaced": "sagashop.order",
        "StockReserved": "sagashop.inventory",
        "PaymentCaptured": "sagashop.payment",
        "ShipmentCreated": "sagashop.shipping",
        "StockCommitted": "sagashop.inventory",
        "OrderCompleted": "sagashop.order",
    }


def test_every_event_has_a_sequence_and_no_two_of_the_orders_own_share_one(
    heard: dict[str, list[Json]],
) -> None:
    for events in heard.values():
        sequences = {
            (event["source"], event["detail-type"]): event["detail"]["metadata"]["sequence"]
            for event in events
        }
        own = [number for (source, _), number in sequences.items() if source == "sagashop.order"]
        assert len(own) == len(set(own))
        assert sequences["sagashop.order", "OrderPlaced"] == min(sequences.values()) == 1
        assert max(own) >= max(sequences.values())


def test_no_event_carries_the_payment_token_or_the_address(heard: dict[str, list[Json]]) -> None:
    text = str(heard)

    assert "tok_" not in text
    assert "Analytical Row" not in text


def test_the_timeline_holds_the_same_events(
    heard: dict[str, list[Json]], store: StoreClient
) -> None:
    metadata = [event["detail"]["metadata"] for event in heard["refunded"]]
    order_id = heard["refunded"][0]["detail"]["data"]["order_id"]

    timeline = eventually(
        lambda: store.timeline(order_id), until=lambda events: len(events) >= len(metadata)
    )
    told = {event["event_id"]: event for event in timeline}

    assert told.keys() == {each["event_id"] for each in metadata}
    for each in metadata:
        assert told[each["event_id"]]["correlation_id"] == each["correlation_id"]
