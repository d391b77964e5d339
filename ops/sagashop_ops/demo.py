"""Plays the saga's scenarios on a running store and prints each order's real timeline."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import requests
from rich.console import Console
from rich.table import Table

from sagashop_ops import chaos
from sagashop_ops.aws import Deployment
from sagashop_ops.client import ADDRESS, Json, Line, StoreClient, order_body
from sagashop_ops.journal import Journal

ORDER_TIMEOUT_SECONDS = 180.0
# The other services' events reach the timeline over the bus, a moment after the order has ended.
QUIET_SECONDS = 1.5


@dataclass(frozen=True)
class Stage:
    """What a scenario plays on: the store's API, its deployment, and where to print the story."""

    client: StoreClient
    deployment: Deployment
    console: Console

    def say(self, text: str) -> None:
        """Prints a line as it is, whatever it contains."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Scenario:
    """One story with its expected end; `play` returns its real end."""

    title: str
    expected: str
    play: "Play"


type Play = Callable[[Stage], str]


def play_all(stage: Stage) -> bool:
    """Plays every scenario; returns whether each ended as expected."""
    summary = Table(
        "scenario", "expected", "seen", title="What the scenarios came to", title_justify="left"
    )
    as_expected = True
    for number, scenario in enumerate(SCENARIOS, start=1):
        stage.console.rule(f"{number}. {scenario.title}", align="left")
        seen = scenario.play(stage)
        stage.console.print()
        if seen != scenario.expected:
            as_expected = False
            seen = f"[red]{seen}[/red]"
        summary.add_row(scenario.title, scenario.expected, seen)
    stage.console.print(summary)
    return as_expected


def _follow(stage: Stage, order_id: str) -> str:
    """Waits for an order's end and prints its timeline; returns its status, with the reason."""
    order = stage.client.wait_until_ended(order_id, ORDER_TIMEOUT_SECONDS)
    for event in _settled_timeline(stage.client, order_id):
        time_of_day = event["occurred_at"][11:23]
        stage.say(f"  {time_of_day}  {event['type']:<26} {event['summary']}")
    reason = order["reason"]
    return f"{order['status']} ({reason['code']})" if reason else str(order["status"])


def _settled_timeline(client: StoreClient, order_id: str) -> list[Json]:
    """Reads a timeline until nothing more has been added to it for a while."""
    events: list[Json] = []
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        seen = client.timeline(order_id)
        if len(seen) > len(events):
            events, quiet_since = seen, time.monotonic()
        time.sleep(0.2)
    return events


def _buy(sku: str, quantity: int, token: str, country: str = ADDRESS["country"]) -> Play:
    """Returns a scenario's play: one order for one product, followed to its end."""

    def play(stage: Stage) -> str:
        order_id = stage.client.place_order([Line(sku, quantity)], token, country=country)
        where = "" if country == ADDRESS["country"] else f" to country {country}"
        stage.say(f"  {quantity} x {sku}{where}, paid with {token}: order {order_id}")
        return _follow(stage, order_id)

    return play


def _pay_later(then: Callable[[StoreClient, str], requests.Response]) -> Play:
    """Returns a play of an order placed without a payment; `then` is what its customer does."""

    def play(stage: Stage) -> str:
        order_id = stage.client.place_order([Line("product-002", 1)], token=None)
        stage.say(f"  1 x product-002, to be paid later: order {order_id}")
        order = stage.client.wait_for(order_id, {"AWAITING_PAYMENT"}, ORDER_TIMEOUT_SECONDS)
        stage.say(f"  {order['status']}, until {order['payment_due_at']}")
        response = then(stage.client, order_id)
        request = response.request
        stage.say(f"  {request.method} {request.path_url}: {response.status_code}")
        return _follow(stage, order_id)

    return play


def _cancel_too_late(stage: Stage) -> str:
    order_id = stage.client.place_order([Line("product-003", 1)], "tok_visa")
    stage.client.wait_until_ended(order_id, ORDER_TIMEOUT_SECONDS)
    return _tell_problem(stage, stage.client.cancel(order_id))


def _send_twice(stage: Stage) -> str:
    key = str(uuid.uuid4())
    body = order_body([Line("product-002", 1)], "tok_visa")
    first, second = (stage.client.post_order(body, key).json()["order_id"] for _ in range(2))
    stage.say(f"  two requests under one Idempotency-Key: {first} and {second}")
    stage.client.wait_until_ended(first, ORDER_TIMEOUT_SECONDS)
    return "one order" if first == second else "two orders"


def _reuse_key(stage: Stage) -> str:
    key = str(uuid.uuid4())
    first = stage.client.post_order(order_body([Line("product-002", 1)], "tok_visa"), key)
    second = stage.client.post_order(order_body([Line("product-003", 1)], "tok_visa"), key)
    stage.client.wait_until_ended(first.json()["order_id"], ORDER_TIMEOUT_SECONDS)
    return _tell_problem(stage, second)


def _send_nonsense(stage: Stage) -> str:
    body = order_body([Line("product-002", 0)], "tok_visa") | {"email": "nobody"}
    return _tell_problem(stage, stage.client.post_order(body))


def _tell_problem(stage: Stage, response: requests.Response) -> str:
    problem = response.json()
    stage.say(f"  {response.status_code} {problem['code']}: {problem['detail']}")
    for error in problem.get("errors", []):
        stage.say(f"    {error['field']}: {error['message']}")
    return f"{response.status_code} {problem['code']}"


def _buy_while_broken(token: str) -> Play:
    """Returns a play in which CommitStock fails, which comes after the charge."""

    def play(stage: Stage) -> str:
        journal = Journal.of(stage.deployment)
        before = chaos.show(stage.deployment)
        chaos.change(stage.deployment, journal, ["steps.CommitStock.failure_rate=1"])
        time.sleep(chaos.SECONDS_UNTIL_SEEN)
        stage.say("  CommitStock is switched off")
        try:
            return _buy("product-002", 1, token)(stage)
        finally:
            chaos.write(stage.deployment, journal, before, "as before")
            time.sleep(chaos.SECONDS_UNTIL_SEEN)

    return play


SCENARIOS = (
    Scenario("An order that goes well", "COMPLETED", _buy("product-001", 1, "tok_visa")),
    Scenario(
        "The card is declined",
        "CANCELLED (PAYMENT_DECLINED)",
        _buy("product-001", 1, "tok_declined"),
    ),
    Scenario(
        "Not enough in stock", "CANCELLED (OUT_OF_STOCK)", _buy("product-001", 999, "tok_visa")
    ),
    Scenario(
        "A product that doesn't exist",
        "CANCELLED (UNKNOWN_PRODUCT)",
        _buy("product-nope", 1, "tok_visa"),
    ),
    Scenario(
        "The provider fails twice, then answers", "COMPLETED", _buy("product-003", 1, "tok_flaky")
    ),
    Scenario(
        "The provider captures, but its reply is lost",
        "CANCELLED (INTERNAL_ERROR)",
        _buy("product-003", 1, "tok_lost_reply"),
    ),
    Scenario(
        "A step fails after the charge",
        "CANCELLED (INTERNAL_ERROR)",
        _buy_while_broken("tok_visa"),
    ),
    Scenario(
        "A step fails after the charge, and so does the refund",
        "NEEDS_ATTENTION (INTERNAL_ERROR)",
        _buy_while_broken("tok_refund_fails"),
    ),
    Scenario(
        "Paid later", "COMPLETED", _pay_later(lambda client, order: client.pay(order, "tok_visa"))
    ),
    Scenario(
        "Paid later, with a card that is declined",
        "CANCELLED (PAYMENT_DECLINED)",
        _pay_later(lambda client, order: client.pay(order, "tok_declined")),
    ),
    Scenario(
        "Cancelled by the customer",
        "CANCELLED (CANCELLED_BY_CUSTOMER)",
        _pay_later(lambda client, order: client.cancel(order)),
    ),
    Scenario("Cancelled too late", "409 ORDER_NOT_CANCELLABLE", _cancel_too_late),
    Scenario(
        "The carrier does not deliver there",
        "CANCELLED (SHIPMENT_REJECTED)",
        _buy("product-003", 1, "tok_visa", country="XX"),
    ),
    Scenario("The same request twice", "one order", _send_twice),
    Scenario("The same key for another order", "409 IDEMPOTENCY_KEY_REUSED", _reuse_key),
    Scenario("An order that makes no sense", "422 VALIDATION_FAILED", _send_nonsense),
)
