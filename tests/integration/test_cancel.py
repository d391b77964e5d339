"""Customers who want their order no more: at every point of its way, and while they pay for it."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from sagashop_ops.audit import Books
from sagashop_ops.client import Json, Line, StoreClient
from support.saga import Saga
from support.waiting import eventually

UNITS, WANTED, PRICE_CENTS = 10, 2, 1250
TOTAL_CENTS = WANTED * PRICE_CENTS
SLOW_CARRIER_SECONDS = 3
# Injected failures are read again after this long.
CHAOS_MAX_AGE_SECONDS = 2.0
# When the customer cancels, in seconds from paying: before it, and at the steps that follow it.
HASTE_SECONDS = (-0.05, 0.0, 0.0, 0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.5)


@dataclass(frozen=True)
class Race:
    """An order that was paid and cancelled at about the same time: the answers, and its end."""

    payment: int
    cancellation: int
    order: Json


@pytest.fixture
def slow_carrier(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[None]:
    """A carrier that takes its time: the order is paid, and not yet complete."""

    name = f"/{stack['stack_name']}/chaos"
    before = aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    slow = json.dumps({"shipping": {"delay_seconds": SLOW_CARRIER_SECONDS}})
    aws("ssm").put_parameter(Name=name, Value=slow, Overwrite=True)
    yield
    aws("ssm").put_parameter(Name=name, Value=before, Overwrite=True)


@pytest.mark.full
def test_an_order_that_has_just_been_placed_can_be_cancelled(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
    books: Callable[[], Books],
) -> None:
    # Given an order that the saga has not looked at yet
    sku = new_product(UNITS, PRICE_CENTS)
    order_id = store.place_order([Line(sku, WANTED)], "tok_visa")

    # When its customer cancels it
    answer = store.cancel(order_id)

    # Then it is accepted, and everything is as if it had never been
    assert answer.status_code == 202
    assert answer.json()["status"] in ("PENDING", "PAID")
    assert_undone(saga.wait_until_ended(order_id), books)
    assert stock_of(sku) == {"available": UNITS, "reserved": 0, "sold": 0}


def test_an_order_that_waits_for_its_payment_is_cancelled_at_once(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
    books: Callable[[], Books],
) -> None:
    # Given an order that waits
    sku = new_product(UNITS, PRICE_CENTS)
    order_id = store.place_order([Line(sku, WANTED)], None)
    waiting = store.wait_for(order_id, {"AWAITING_PAYMENT"})

    # When its customer cancels it, and then pays after all
    answer = store.cancel(order_id)
    payment = store.pay(order_id, "tok_visa")

    # Then the wait is over before its time, and the payment is refused
    assert answer.status_code == 202
    assert (payment.status_code, payment.json()["code"]) == (409, "ORDER_NOT_AWAITING_PAYMENT")
    order = saga.wait_until_ended(order_id)
    assert_undone(order, books)
    assert order["updated_at"] < waiting["payment_due_at"]
    assert order_id not in books().charges
    assert stock_of(sku) == {"available": UNITS, "reserved": 0, "sold": 0}
    eventually(
        lambda: [event["type"] for event in store.timeline(order_id)],
        until=lambda types: (
            types
            == [
                "OrderPlaced",
                "StockReserved",
                "PaymentRequested",
                "OrderCancellationRequested",
                "OrderCancellationStarted",
                "StockReleased",
                "OrderCancelled",
            ]
        ),
    )


@pytest.mark.full
@pytest.mark.usefixtures("slow_carrier")
def test_an_order_that_is_paid_and_not_yet_complete_is_refunded_and_its_parcel_called_off(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
    books: Callable[[], Books],
) -> None:
    # Given an order that is paid, and whose carrier dawdles
    changed_at = time.monotonic()
    sku = new_product(UNITS, PRICE_CENTS)
    order_id = store.place_order([Line(sku, WANTED)], None)
    store.wait_for(order_id, {"AWAITING_PAYMENT"})
    time.sleep(max(0.0, changed_at + CHAOS_MAX_AGE_SECONDS - time.monotonic()))
    store.pay(order_id, "tok_visa").raise_for_status()
    assert store.wait_for(order_id, {"PAID"})["status"] == "PAID"

    # When its customer cancels it, twice
    answers = [store.cancel(order_id), store.cancel(order_id)]

    # Then the last step finds that out, and everything goes back
    assert [answer.status_code for answer in answers] == [202, 202]
    assert store.order(order_id)["cancel_requested"] is True
    assert_undone(saga.wait_until_ended(order_id), books)
    assert saga.states(order_id)[-8:] == [
        "CompleteOrder",
        "BeginCancellation",
        "ChooseFirstCompensation",
        "CancelShipment",
        "RefundPayment",
        "ReleaseStock",
        "CancelOrder",
        "OrderCancelled",
    ]
    charge = books().charges[order_id]
    assert charge["captured_cents"] == charge["refunded_cents"] == TOTAL_CENTS
    assert store.get(f"/orders/{order_id}/shipment")["status"] == "CANCELLED"
    assert stock_of(sku) == {"available": UNITS, "reserved": 0, "sold": 0}


def test_an_order_that_has_ended_is_not_cancelled_any_more(
    store: StoreClient, saga: Saga, new_product: Callable[..., str]
) -> None:
    # Given an order that is complete, and one that could not be
    sku = new_product(UNITS, PRICE_CENTS)
    ended = [
        saga.wait_until_ended(order_id)
        for order_id in [
            store.place_order([Line(sku, WANTED)], token) for token in ("tok_visa", "tok_declined")
        ]
    ]

    # When their customers cancel them
    answers = [store.cancel(order["order_id"]) for order in ended]

    # Then they are told that it is too late, and nothing has changed
    assert [answer.status_code for answer in answers] == [409, 409]
    assert {answer.json()["code"] for answer in answers} == {"ORDER_NOT_CANCELLABLE"}
    assert [store.order(order["order_id"]) for order in ended] == ended


def test_whoever_is_first_wins_when_an_order_is_paid_and_cancelled_at_the_same_time(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
    books: Callable[[], Books],
) -> None:
    # Given as many customers as there are moments
    sku = new_product(len(HASTE_SECONDS), PRICE_CENTS)

    # When each of them pays and cancels
    with ThreadPoolExecutor(len(HASTE_SECONDS)) as customers:
        races = list(customers.map(lambda haste: race(store, saga, sku, haste), HASTE_SECONDS))

    # Then a cancellation that was accepted is kept, whatever was paid before it
    completed = [told for told in races if told.order["status"] == "COMPLETED"]
    for told in races:
        assert outcome_of(told) in {
            (202, 202, "CANCELLED", "CANCELLED_BY_CUSTOMER"),
            (409, 202, "CANCELLED", "CANCELLED_BY_CUSTOMER"),
            (202, 409, "COMPLETED", None),
            # Where the machine was so slow that the time to pay was over first.
            (409, 409, "CANCELLED", "PAYMENT_EXPIRED"),
            (409, 202, "CANCELLED", "PAYMENT_EXPIRED"),
        }

    # And money and stock are kept for the completed ones alone
    charges = books().charges
    for told in races:
        charge = charges.get(told.order["order_id"])
        kept = charge["captured_cents"] - charge["refunded_cents"] if charge else 0
        assert kept == (PRICE_CENTS if told in completed else 0)
    assert stock_of(sku) == {
        "available": len(races) - len(completed),
        "reserved": 0,
        "sold": len(completed),
    }


def race(store: StoreClient, saga: Saga, sku: str, haste: float) -> Race:
    """Pays an order and cancels it `haste` seconds later, or before."""
    order_id = store.place_order([Line(sku, 1)], None)
    store.wait_for(order_id, {"AWAITING_PAYMENT"})

    def after[T](seconds: float, act: Callable[[], T]) -> T:
        time.sleep(max(0.0, seconds))
        return act()

    with ThreadPoolExecutor(2) as hands:
        payment = hands.submit(after, -haste, lambda: store.pay(order_id, "tok_visa"))
        cancellation = hands.submit(after, haste, lambda: store.cancel(order_id))
    return Race(
        payment.result().status_code,
        cancellation.result().status_code,
        saga.wait_until_ended(order_id),
    )


def outcome_of(told: Race) -> tuple[int, int, str, str | None]:
    """How a race went: both answers, and the order's end with its reason."""
    reason = told.order["reason"]
    code = reason["code"] if reason else None
    return told.payment, told.cancellation, told.order["status"], code


def assert_undone(order: Json, books: Callable[[], Books]) -> None:
    """Checks that an order was cancelled for its customer, and that no money is kept for it."""
    assert order["status"] == "CANCELLED"
    assert order["reason"]["code"] == "CANCELLED_BY_CUSTOMER"
    assert order["cancel_requested"] is True
    charge = books().charges.get(order["order_id"])
    assert charge is None or charge["captured_cents"] == charge["refunded_cents"]
