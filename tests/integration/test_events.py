"""What the world hears: every event once, as its schema says, and none that did not happen."""

from collections.abc import Callable

import pytest

from sagashop_cli.client import Json, Line, StoreClient
from support import event_schemas
from support.bus import BusListener
from support.saga import Saga
from support.waiting import eventually

SOLD = ["OrderPlaced", "StockReserved", "PaymentCaptured", "StockCommitted", "OrderCompleted"]
OUT_OF_STOCK = ["OrderPlaced", "StockReservationFailed", "OrderCancelled"]
DECLINED = ["OrderPlaced", "StockReserved", "PaymentDeclined", "StockReleased", "OrderCancelled"]
REFUNDED = [
    "OrderPlaced",
    "StockReserved",
    "PaymentCaptured",
    "PaymentRefunded",
    "StockReleased",
    "OrderCancelled",
]


@pytest.fixture(scope="module")
def heard(
    store: StoreClient, saga: Saga, bus: BusListener, new_product: Callable[..., str]
) -> dict[str, list[Json]]:
    """What was heard of four orders: one sold, one refused, one declined, one refunded."""
    sku = new_product(10)
    orders = {
        "sold": (SOLD, store.place_order([Line(sku, 1)], "tok_visa")),
        "refused": (OUT_OF_STOCK, store.place_order([Line(sku, 11)], "tok_visa")),
        "declined": (DECLINED, store.place_order([Line(sku, 1)], "tok_declined")),
        "refunded": (REFUNDED, store.place_order([Line(sku, 1)], "tok_lost_reply")),
    }
    for _, order_id in orders.values():
        saga.wait_until_ended(order_id)
    return {name: bus.wait_for(order_id, types) for name, (types, order_id) in orders.items()}


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("sold", SOLD),
        ("refused", OUT_OF_STOCK),
        ("declined", DECLINED),
        ("refunded", REFUNDED),
    ],
)
def test_the_bus_carries_exactly_what_happened(
    name: str, types: list[str], heard: dict[str, list[Json]]
) -> None:
    # Three tables' streams feed the bus side by side, so only the set is certain, not the order.
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
        "StockCommitted": "sagashop.inventory",
        "OrderCompleted": "sagashop.order",
    }


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
