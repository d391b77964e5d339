"""The happy path over HTTP: one order of two products, from its placing to its end."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import requests

from sagashop_ops.audit import Books
from sagashop_ops.client import ADDRESS, Json, Line, StoreClient, order_body
from support.saga import Saga
from support.waiting import eventually

STORY = [
    "OrderPlaced",
    "StockReserved",
    "PaymentCaptured",
    "ShipmentCreated",
    "StockCommitted",
    "OrderCompleted",
]
TOTAL_CENTS = 3 * 1999 + 1 * 45_000


@dataclass(frozen=True)
class Purchase:
    """What was bought, what the API answered, and the order once it had ended."""

    cups: str
    table: str
    response: requests.Response
    order: Json

    @property
    def order_id(self) -> str:
        order_id: str = self.order["order_id"]
        return order_id


@pytest.fixture(scope="module")
def purchase(store: StoreClient, saga: Saga, new_product: Callable[..., str]) -> Purchase:
    """Three cups, on two lines, and a table."""
    cups, table = new_product(10, price_cents=1999), new_product(1, price_cents=45_000)
    lines = [Line(cups, 2), Line(table, 1), Line(cups, 1)]
    response = store.post_order(order_body(lines, "tok_visa"))
    response.raise_for_status()
    return Purchase(cups, table, response, saga.wait_until_ended(response.json()["order_id"]))


@pytest.fixture(scope="module")
def timeline(purchase: Purchase, store: StoreClient) -> list[Json]:
    """The order's timeline, once it is whole: the bus brings it the other services' events."""
    return eventually(
        lambda: store.timeline(purchase.order_id), until=lambda events: len(events) >= len(STORY)
    )


def test_the_order_is_accepted_at_once_and_pending(purchase: Purchase) -> None:
    assert purchase.response.status_code == 202
    assert purchase.response.json()["status"] == "PENDING"
    assert purchase.response.json()["order_id"].startswith("ord_")


def test_it_is_completed_at_the_catalogues_prices(purchase: Purchase) -> None:
    order = purchase.order

    assert order["status"] == "COMPLETED"
    assert order["reason"] is None
    assert order["total_cents"] == TOTAL_CENTS
    assert order["currency"] == "USD"
    assert order["created_at"] < order["updated_at"]


def test_lines_for_the_same_product_are_merged(purchase: Purchase) -> None:
    quantities = {item["sku"]: item["quantity"] for item in purchase.order["items"]}

    assert quantities == {purchase.cups: 3, purchase.table: 1}
    assert len(purchase.order["items"]) == len(quantities)


def test_its_units_are_sold(purchase: Purchase, stock_of: Callable[[str], dict[str, int]]) -> None:
    assert stock_of(purchase.cups) == {"available": 7, "reserved": 0, "sold": 3}
    assert stock_of(purchase.table) == {"available": 0, "reserved": 0, "sold": 1}


def test_the_catalogue_shows_what_is_left(purchase: Purchase, store: StoreClient) -> None:
    assert store.product(purchase.cups)["available"] == 7
    assert store.product(purchase.table)["available"] == 0


def test_its_total_is_captured_once(
    purchase: Purchase, store: StoreClient, books: Callable[[], Books]
) -> None:
    payment = store.get(f"/orders/{purchase.order_id}/payment")
    charge = books().charges[purchase.order_id]

    assert payment["status"] == "CAPTURED"
    assert payment["amount_cents"] == charge["captured_cents"] == TOTAL_CENTS
    assert charge["refunded_cents"] == 0


def test_its_parcel_is_booked_and_its_customer_can_follow_it(
    purchase: Purchase, store: StoreClient, books: Callable[[], Books]
) -> None:
    shipment = store.get(f"/orders/{purchase.order_id}/shipment")

    assert shipment["status"] == "CREATED"
    assert shipment["address"] == ADDRESS
    parcel = {name: shipment[name] for name in ("carrier", "tracking_number")}
    assert purchase.order["shipment"] == parcel
    assert all(parcel.values())
    assert books().shipments[purchase.order_id]["status"] == "CREATED"


def test_its_timeline_tells_the_story_in_order(timeline: list[Json]) -> None:
    assert [event["type"] for event in timeline] == STORY
    assert [event["service"] for event in timeline] == [
        "order",
        "inventory",
        "payment",
        "shipping",
        "inventory",
        "order",
    ]
    assert timeline == sorted(timeline, key=lambda event: event["occurred_at"])


def test_its_timeline_is_written_for_people(timeline: list[Json]) -> None:
    for event in timeline:
        assert event["summary"].endswith((".", "!"))
        assert " " in event["summary"], f"{event['type']} has no sentence"
        assert event["type"] not in event["summary"]
    assert "509.97 USD" in timeline[2]["summary"]


def test_everything_that_one_request_set_off_carries_its_correlation_id(
    purchase: Purchase, timeline: list[Json]
) -> None:
    assert {event["correlation_id"] for event in timeline} == {
        purchase.response.headers["X-Correlation-Id"]
    }


def test_the_timeline_names_the_execution_that_did_it(
    purchase: Purchase, timeline: list[Json], saga: Saga
) -> None:
    assert {event["execution"] for event in timeline} == {purchase.order_id}
    assert saga.execution(purchase.order_id)["status"] == "SUCCEEDED"
    assert saga.states(purchase.order_id) == [
        "ResumeOrBegin",
        "ReserveStock",
        "RecordReservation",
        "PaymentGiven",
        "ChargePayment",
        "RecordPayment",
        "CreateShipment",
        "CommitStock",
        "CompleteOrder",
        "OrderCompleted",
    ]
