"""How often somebody may order, and how much of it may wait for a payment."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from builders import (
    ACCOUNT_ID,
    CLIENT_ADDRESS,
    ORDER_ID,
    ORIGIN,
    OWED,
    PLACED_AT,
    SHIPMENT,
    a_request,
    an_order,
)
from order import api, domain, erasure, payment_window, redrive, wiring
from order.domain import Change, Failure, Order, Parked, Payment, PaymentWindow
from order.limits import Cap, Limits
from order.repository import CapReached, OrderRepository
from shared import dynamodb
from shared.errors import HttpError, SagaError, StorageContention
from shared.limits import Limit, Limiter, digest_of
from shared.tokens import Tokens
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders

type Place = Callable[..., dict[str, Any]]

ADA, EVE = digest_of("ada@example.com"), digest_of("eve@example.com")
WAIT, SHORT_WAIT = 900, 300
LIMITS = Limits(
    Limit("order-caller", 3, 3600),
    Limit("order-address", 5, 3600),
    Cap(orders=4, units=20),
    Cap(orders=6, units=40),
    WAIT,
    SHORT_WAIT,
)
NO_LIMITS = replace(
    LIMITS,
    orders_per_caller=Limit("order-caller", 1000, 3600),
    orders_per_address=Limit("order-address", 1000, 3600),
)


@pytest.fixture
def orders(order_table: str, monkeypatch: pytest.MonkeyPatch) -> OrderRepository:
    """The real order table, empty."""
    repository = OrderRepository(dynamodb.client(), order_table)
    monkeypatch.setattr(wiring, "orders", lambda: repository)
    return repository


@pytest.fixture
def set_limits(monkeypatch: pytest.MonkeyPatch) -> Callable[[Limits], None]:
    return lambda limits: monkeypatch.setattr(wiring, "limits", lambda: limits)


@pytest.fixture
def place(
    orders: OrderRepository,
    stepfunctions: FakeStepFunctions,
    frozen_clock: Any,
    lambda_context: Any,
    stack_tokens: Tokens,
    set_limits: Callable[[Limits], None],
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    """Calls `POST /orders`, with real counters: status, headers and body."""
    monkeypatch.setattr(wiring, "limiter", lambda: Limiter(dynamodb.client(), "sagashop-unit"))
    set_limits(NO_LIMITS)

    def send(
        email: str = "ada@example.com",
        token: str | None = None,
        units: int = 1,
        key: str | None = None,
        account_id: str | None = None,
        address: str = CLIENT_ADDRESS,
    ) -> dict[str, Any]:
        builder = an_order().with_item("product-001", units).with_body(email=email)
        headers = {} if key is None else {"Idempotency-Key": key}
        if account_id is not None:
            bearer = stack_tokens.for_account(account_id, "customer", frozen_clock.now())
            headers["Authorization"] = f"Bearer {bearer}"
        body = replace(builder, token=token).body()
        request = a_request("POST", "/orders", body=body, headers=headers)
        request["requestContext"]["identity"]["sourceIp"] = address
        response = api.handler(request, lambda_context)
        frozen_clock.advance(seconds=1)
        return {
            "status": response["statusCode"],
            "headers": response["headers"],
            "body": json.loads(response["body"]),
        }

    return send


def counted(caller: str) -> Cap:
    """Returns what the table counts as a caller's unpaid orders."""
    key = dynamodb.to_item({"pk": f"UNPAID#{caller}", "sk": "UNPAID"})
    row = dynamodb.get_row(dynamodb.client(), "sagashop-unit", key)
    return Cap(0, 0) if row is None else Cap(row["orders"], row["units"])


def refused(response: dict[str, Any]) -> tuple[int, str, bool]:
    return response["status"], response["body"]["code"], "Retry-After" in response["headers"]


def test_a_caller_may_order_so_often(place: Place, set_limits: Any, frozen_clock: Any) -> None:
    # Given
    set_limits(LIMITS)

    # Then: whatever the address is written like
    for email in ("ada@example.com", "Ada@example.com", "ada@EXAMPLE.com"):
        assert place(email, "tok_visa")["status"] == 202
    assert refused(place("ADA@example.com", "tok_visa")) == (429, "TOO_MANY_REQUESTS", True)
    assert place("eve@example.com", "tok_visa")["status"] == 202
    frozen_clock.advance(hours=1)
    assert place("ada@example.com", "tok_visa")["status"] == 202


def test_an_account_is_a_caller_of_its_own(place: Place, set_limits: Any) -> None:
    # Given
    set_limits(replace(LIMITS, orders_per_caller=Limit("order-caller", 1, 3600)))
    assert place(token="tok_visa")["status"] == 202

    # Then
    assert place(token="tok_visa", account_id=ACCOUNT_ID)["status"] == 202
    another = place("eve@example.com", "tok_visa", account_id=ACCOUNT_ID)
    assert refused(another) == (429, "TOO_MANY_REQUESTS", True)


def test_a_client_may_order_so_often_under_whichever_names(place: Place, set_limits: Any) -> None:
    # Given
    set_limits(LIMITS)
    for number in range(5):
        assert place(f"guest-{number}@example.com", "tok_visa")["status"] == 202

    # Then
    assert refused(place("ada@example.com", "tok_visa")) == (429, "TOO_MANY_REQUESTS", True)
    elsewhere = place("ada@example.com", "tok_visa", address="198.51.100.1")
    assert elsewhere["status"] == 202


def test_a_caller_has_so_many_unpaid_orders_at_most(place: Place) -> None:
    # Given
    for _ in range(4):
        assert place()["status"] == 202

    # Then
    assert refused(place()) == (429, "UNPAID_ORDERS", True)
    assert counted(ADA) == Cap(4, 4)
    assert place(token="tok_visa")["status"] == 202, "what is paid at once holds up nobody"
    assert place("eve@example.com")["status"] == 202


def test_a_caller_has_so_many_unpaid_units_at_most(place: Place) -> None:
    # Given
    assert [place(units=units)["status"] for units in (8, 8)] == [202, 202]

    # Then
    assert refused(place(units=5)) == (429, "UNPAID_ORDERS", True)
    assert place(units=4)["status"] == 202
    assert counted(ADA) == Cap(3, 20)


def test_a_guest_with_many_names_is_one_client(place: Place) -> None:
    # Given
    answers = [place(f"guest-{number}@example.com") for number in range(7)]

    # Then
    assert [answer["status"] for answer in answers] == [202] * 6 + [429]
    assert place("guest-7@example.com", address="198.51.100.1")["status"] == 202


def test_an_order_that_no_cap_would_ever_allow_has_to_be_paid(place: Place) -> None:
    # When
    answer = place(units=21)

    # Then
    assert answer["status"] == 422
    assert [error["field"] for error in answer["body"]["errors"]] == ["payment.token"]
    assert place(units=21, token="tok_visa")["status"] == 202


def test_above_half_of_the_cap_there_is_less_time_to_pay(
    place: Place, orders: OrderRepository
) -> None:
    # When
    placed = [place()["body"]["order_id"] for _ in range(4)]
    large = place("eve@example.com", units=11)["body"]["order_id"]

    # Then
    waits = [orders.get(order_id).payment_wait_seconds for order_id in placed]
    assert waits == [None, None, SHORT_WAIT, SHORT_WAIT]
    assert orders.get(large).payment_wait_seconds == SHORT_WAIT


def test_the_saga_waits_for_the_shorter_time(
    place: Place, stepfunctions: FakeStepFunctions
) -> None:
    # When
    order_ids = [place()["body"]["order_id"] for _ in range(3)]

    # Then
    inputs = [json.loads(stepfunctions.executions[order_id]) for order_id in order_ids]
    assert [each["payment_wait_seconds"] for each in inputs] == [WAIT, WAIT, SHORT_WAIT]


def test_a_repeated_request_is_answered_as_the_first_one_was_at_the_cap_too(place: Place) -> None:
    # Given
    answers = [place(key=f"key-{number}") for number in range(4)]
    assert refused(place(key="key-9"))[0] == 429

    # Then
    repeated = [place(key=f"key-{number}") for number in range(4)]
    assert [answer["body"] for answer in repeated] == [answer["body"] for answer in answers]
    assert counted(ADA) == Cap(4, 4)


def test_whoever_pays_may_order_again(
    place: Place, orders: OrderRepository, frozen_clock: Any
) -> None:
    # Given four orders, one of which waits for its payment
    order_ids = [place()["body"]["order_id"] for _ in range(4)]
    assert place()["status"] == 429
    before = orders.get(order_ids[0])
    window = PaymentWindow("token", frozen_clock.now() + timedelta(minutes=5), "1")
    waiting = replace(before, total_cents=1, payment_window=window, version=2)
    orders.save(before, Change(waiting))

    # When
    orders.save(waiting, payment_window.give_payment(waiting, "tok_visa", frozen_clock.now()))

    # Then
    assert counted(ADA) == Cap(3, 3)
    assert place()["status"] == 202
    assert place()["status"] == 429


def test_a_row_that_was_placed_before_there_were_counts_releases_none(
    orders: OrderRepository,
) -> None:
    # Given
    order = an_order().unpaid().build()
    orders.add(Change(order), None)

    # When
    turned = domain.begin_cancellation(order, Failure("OutOfStock", ""), ORIGIN, PLACED_AT)
    orders.save(order, turned)

    # Then
    assert counted(ADA) == Cap(0, 0)


def test_a_counter_that_does_not_answer_refuses_nobody(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    def fail(*_: Any) -> None:
        raise StorageContention

    monkeypatch.setattr(Limiter, "count", fail)

    # Then
    assert place()["status"] == 202


def test_counts_are_gone_in_the_end(orders: OrderRepository) -> None:
    # Given
    orders.add(Change(an_order().unpaid().build()), None, {ADA: Cap(4, 20)})

    # Then
    key = dynamodb.to_item({"pk": f"UNPAID#{ADA}", "sk": "UNPAID"})
    row = dynamodb.get_row(dynamodb.client(), "sagashop-unit", key)
    assert row is not None
    lifetime = row["expires_at"] - int(PLACED_AT.timestamp())
    assert lifetime == timedelta(days=30).total_seconds()


REFUSALS = (SagaError, HttpError, domain.IllegalTransition)
# What may happen to an order, in any order and as often as chance has it; each decides on the row.
HAPPENINGS: dict[str, Callable[[Order], Change]] = {
    "prices": lambda order: domain.price(order, order.lines, 100, "USD", PLACED_AT),
    "asks": lambda order: payment_window.ask_for_payment(
        order, PaymentWindow("token", PLACED_AT + timedelta(minutes=5), "1"), ORIGIN, PLACED_AT
    ),
    "asks again": lambda order: payment_window.ask_for_payment(
        order, PaymentWindow("later", PLACED_AT + timedelta(minutes=5), "2"), ORIGIN, PLACED_AT
    ),
    "pays": lambda order: payment_window.give_payment(order, "tok_visa", PLACED_AT),
    "cancels": lambda order: domain.request_cancellation(order, ORIGIN, PLACED_AT),
    "closes": lambda order: payment_window.close(order, PLACED_AT + timedelta(minutes=6)),
    "records": lambda order: domain.pay(order, Payment("pay_1", 100, "USD"), PLACED_AT),
    "completes": lambda order: domain.complete(order, SHIPMENT, ORIGIN, PLACED_AT),
    "turns back": lambda order: domain.begin_cancellation(
        order, Failure("PaymentExpired", ""), ORIGIN, PLACED_AT
    ),
    "is undone": lambda order: domain.cancel(order, None, ORIGIN, PLACED_AT),
    "is parked": lambda order: domain.flag_for_attention(
        order, Parked("ReleaseStock", "a bug"), OWED, ORIGIN, PLACED_AT
    ),
    "is redriven": lambda order: redrive.count_redrive(order, "ada", "x", ORIGIN, PLACED_AT),
    "is erased": lambda order: erasure.request_erasure(order, ORIGIN, PLACED_AT),
}


type Move = tuple[str, int, bool]

some_move = st.tuples(st.sampled_from(["places", *HAPPENINGS]), st.integers(0, 3), st.booleans())


@pytest.mark.parametrize("kind", ["table", "fake"])
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to find a smaller example takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(moves=st.lists(some_move, min_size=10, max_size=30))
def test_no_count_ever_leaks(
    moves: list[Move], kind: str, orders: OrderRepository, request: pytest.FixtureRequest
) -> None:
    """Whatever becomes of a caller's orders, those count that wait for a payment, and no others."""
    # Given
    for row in dynamodb.client().scan(TableName="sagashop-unit")["Items"]:
        dynamodb.client().delete_item(
            TableName="sagashop-unit", Key={"pk": row["pk"], "sk": row["sk"]}
        )
    store = orders if kind == "table" else FakeOrders()
    cap, placed = Cap(3, 5), list[str]()

    # When
    for number, (what, which, is_late) in enumerate(moves):
        if what == "places":
            order = an_order().unpaid().with_item("product-001", which + 1)
            order = order.with_id(f"{ORDER_ID[:-2]}{number:02}")
            with suppress(CapReached):
                callers = {ADA: cap, EVE: cap} if is_late else {ADA: cap}
                placed.append(store.add(Change(order.build()), None, callers))
        elif placed:
            before = store.get(placed[which % len(placed)])
            stale = replace(before, version=before.version - 1) if is_late else before
            with suppress(*REFUSALS):
                store.save(stale, HAPPENINGS[what](before))

    # Then
    standing = [store.get(order_id) for order_id in placed]
    for caller in (ADA, EVE):
        waiting = [order for order in standing if order.is_unpaid and caller in order.unpaid_of]
        units = sum(line.quantity for order in waiting for line in order.lines)
        found = store.unpaid(caller) if isinstance(store, FakeOrders) else counted(caller)
        assert found == Cap(len(waiting), units)
        assert len(waiting) <= cap.orders
        assert units <= cap.units
