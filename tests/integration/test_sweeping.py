"""What each sweeper finds and repairs, where something went wrong that nobody thought of."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from order import domain
from order.domain import Address, Change, Order, Status
from order.repository import OrderRepository
from sagashop_ops.audit import Books
from sagashop_ops.aws import Deployment, call_function
from sagashop_ops.client import ADDRESS, Json, Line, StoreClient
from sagashop_ops.journal import Journal
from sagashop_ops.provider import allow_refund
from sagashop_ops.stack import Stack
from shared import clock
from shared.ids import new_id, new_trace_id
from support.saga import Saga
from support.waiting import eventually

# Each service's sweeper, and the row that it checks: the key's prefix is its sort key.
SWEEPERS = {
    "inventory": ("SweepStock", "RESERVATION", "RELEASED"),
    "payment": ("SweepPayments", "PAYMENT", "REFUNDED"),
    "shipping": ("SweepShipments", "SHIPMENT", "CANCELLED"),
}


@dataclass(frozen=True)
class Sweeping:
    """The sweepers of a running store, and the rows that they look at."""

    stack: dict[str, Any]
    aws: Callable[[str], Any]

    def sweep(self, sweeper: str) -> Json:
        """Runs a sweeper over everything, however young; returns its report."""
        report: Json = call_function(
            Deployment.of(Stack(**self.stack)), sweeper, {"grace_seconds": 0}
        )
        return report

    def repaired(self, sweeper: str, order_id: str) -> list[str]:
        """Runs a sweeper; returns what it repaired of an order."""
        report = self.sweep(sweeper)
        return [each["what"] for each in report["repaired"] if each["order_id"] == order_id]

    def row(self, service: str, order_id: str) -> Json:
        """Returns the row that a service's sweeper checks."""
        kind = "ORDER" if service == "order" else SWEEPERS[service][1]
        answer = self.aws("dynamodb").get_item(
            TableName=self.stack["tables"][service],
            Key={"pk": {"S": f"{kind}#{order_id}"}, "sk": {"S": kind}},
            ConsistentRead=True,
        )
        row: Json = answer.get("Item", {})
        return row

    def age(self, service: str, order_id: str, hours: int) -> None:
        """Makes a row look as if nothing had touched it for so long."""
        then = clock.to_iso(datetime.now(UTC) - timedelta(hours=hours))
        row = self.row(service, order_id) | {"updated_at": {"S": then}}
        self.aws("dynamodb").put_item(TableName=self.stack["tables"][service], Item=row)


@pytest.fixture
def sweeping(stack: dict[str, Any], aws: Callable[[str], Any]) -> Sweeping:
    """The store's sweepers."""
    return Sweeping(stack, aws)


@pytest.fixture
def stored_order(
    stack: dict[str, Any], aws: Callable[[str], Any], new_product: Callable[..., str]
) -> Callable[[Status], Order]:
    """Stores an order that nobody hears of: without an event, and without a saga."""

    def store(status: Status) -> Order:
        now = datetime.now(UTC)
        order = Order(
            order_id=new_id("ord", now),
            status=status,
            lines=(domain.Line(new_product(10), 2),),
            email="ada@example.com",
            shipping_address=Address(**ADDRESS),
            payment_token="tok_visa",
            correlation_id=f"test-{uuid.uuid4()}",
            trace_id=new_trace_id(now),
            created_at=now,
            updated_at=now,
        )
        OrderRepository(aws("dynamodb"), stack["tables"]["order"]).add(Change(order), None)
        return order

    return store


def test_an_order_whose_saga_never_began_is_started(
    sweeping: Sweeping, stored_order: Callable[[Status], Order], saga: Saga
) -> None:
    order = stored_order(Status.PENDING)

    assert sweeping.repaired("SweepOrders", order.order_id) == ["started"]

    assert saga.wait_until_ended(order.order_id)["status"] == "COMPLETED"


@pytest.mark.full
def test_an_order_whose_saga_was_stopped_is_redriven(
    sweeping: Sweeping,
    saga: Saga,
    store: StoreClient,
    aws: Callable[[str], Any],
    new_product: Callable[..., str],
) -> None:
    # Given an order that waits for its payment, and an execution that somebody stops
    order_id = store.place_order([Line(new_product(), 1)], None)
    assert store.wait_for(order_id, {"AWAITING_PAYMENT"})["status"] == "AWAITING_PAYMENT"
    aws("stepfunctions").stop_execution(executionArn=saga.execution(order_id)["executionArn"])
    eventually(lambda: saga.execution(order_id)["status"], until=lambda s: s != "RUNNING")

    # When the sweeper comes by
    assert sweeping.repaired("SweepOrders", order_id) == ["redriven"]

    # Then the order goes on under a new execution, to the end that it would have had
    store.pay(order_id, "tok_visa")
    order = store.wait_until_ended(order_id)
    assert (order["status"], (order["reason"] or {}).get("code")) in {
        ("COMPLETED", None),
        ("CANCELLED", "PAYMENT_EXPIRED"),
    }
    eventually(lambda: saga.execution(f"{order_id}-r1")["status"], until=lambda s: s != "RUNNING")


def test_an_order_whose_undo_was_stopped_is_undone_to_the_end_and_keeps_its_reason(
    sweeping: Sweeping,
    saga: Saga,
    store: StoreClient,
    stack: dict[str, Any],
    aws: Callable[[str], Any],
    books: Callable[[], Books],
    new_product: Callable[..., str],
) -> None:
    # Given an order that the carrier rejected, and an execution that somebody stops in the undo
    order_id = store.place_order([Line(new_product(), 1)], "tok_refund_fails", country="XX")
    eventually(lambda: saga.failures(order_id), until=lambda errors: "RefundUnavailable" in errors)
    undoing = store.order(order_id)
    aws("stepfunctions").stop_execution(executionArn=saga.execution(order_id)["executionArn"])
    eventually(lambda: saga.execution(order_id)["status"], until=lambda s: s != "RUNNING")
    assert (undoing["status"], undoing["reason"]["code"]) == ("CANCELLING", "SHIPMENT_REJECTED")

    # When the provider refunds again, and the sweeper comes by
    deployment = Deployment.of(Stack(**stack))
    allow_refund(deployment, Journal.of(deployment), order_id, "the provider refunds again")
    assert sweeping.repaired("SweepOrders", order_id) == ["redriven"]

    # Then another execution undoes everything from the first compensation on
    order = store.wait_until_ended(order_id)
    assert (order["status"], order["reason"]["code"]) == ("CANCELLED", "SHIPMENT_REJECTED")
    charge = books().charges[order_id]
    assert charge["captured_cents"] == charge["refunded_cents"]
    eventually(
        lambda: saga.states(f"{order_id}-r1"),
        until=lambda states: (
            states
            == [
                "ResumeOrBegin",
                "BeginCancellation",
                "ChooseFirstCompensation",
                "CancelShipment",
                "RefundPayment",
                "ReleaseStock",
                "CancelOrder",
                "OrderCancelled",
            ]
        ),
    )


def test_what_a_cancelled_order_left_behind_is_undone(
    sweeping: Sweeping,
    stored_order: Callable[[Status], Order],
    saga: Saga,
    books: Callable[[], Books],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given steps of an order that was cancelled without their compensations
    order = stored_order(Status.PENDING)
    (line,) = order.lines
    items = [{"sku": line.sku, "quantity": line.quantity}]
    reservation = saga.run_task("ReserveStock", order.order_id, items=items)
    saga.run_task(
        "ChargePayment",
        order.order_id,
        amount_cents=reservation["total_cents"],
        currency=reservation["currency"],
        token="tok_visa",
    )
    saga.run_task(
        "CreateShipment",
        order.order_id,
        shipping_address=ADDRESS,
        items=reservation["lines"],
    )
    refund = {"amount_cents": reservation["total_cents"], "currency": reservation["currency"]}
    failure = {"Error": "PaymentOutcomeUnknown", "Cause": ""}
    saga.run_task("BeginCancellation", order.order_id, failure=failure)
    saga.run_task("CancelOrder", order.order_id, refund=refund)

    # When each service's sweeper comes by, then it undoes its own step, and says so
    for service, (sweeper, _, undone) in SWEEPERS.items():
        assert len(sweeping.repaired(sweeper, order.order_id)) == 1
        assert sweeping.row(service, order.order_id)["status"] == {"S": undone}

    # Then nothing is held any more, and the next sweep signs off
    assert stock_of(line.sku) == {"available": 10, "reserved": 0, "sold": 0}
    charge = books().charges[order.order_id]
    assert charge["captured_cents"] == charge["refunded_cents"] == reservation["total_cents"]
    for service, (sweeper, _, _) in SWEEPERS.items():
        assert sweeping.repaired(sweeper, order.order_id) == []
        assert "unsettled" not in sweeping.row(service, order.order_id)


@pytest.mark.full
def test_stock_that_is_held_for_an_unknown_order_is_left_to_a_person(
    sweeping: Sweeping,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given a reservation of an order that nobody knows
    sku, order_id = new_product(10), new_id("ord", datetime.now(UTC))
    saga.run_task("ReserveStock", order_id, items=[{"sku": sku, "quantity": 2}])

    # When it has been there for hours
    sweeping.age("inventory", order_id, hours=2)
    report = sweeping.sweep("SweepStock")

    # Then it is reported, and not released: the order table may be an old copy
    what = "RESERVED of an order that is unknown"
    assert {"order_id": order_id, "what": what} in report["left"]
    assert stock_of(sku)["reserved"] == 2
    assert "unsettled" in sweeping.row("inventory", order_id)

    # When a person has decided, then the saga's own compensation releases it
    saga.run_task("ReleaseStock", order_id)
    assert stock_of(sku) == {"available": 10, "reserved": 0, "sold": 0}


@pytest.mark.full
@pytest.mark.parametrize("token", ["tok_visa", "tok_declined"])
def test_an_order_that_ended_as_it_should_is_signed_off(
    token: str,
    sweeping: Sweeping,
    saga: Saga,
    store: StoreClient,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
) -> None:
    # Given an order that ended
    sku = new_product(10)
    order_id = store.place_order([Line(sku, 2)], token)
    saga.wait_until_ended(order_id)
    before = stock_of(sku)

    for service, (sweeper, _, _) in SWEEPERS.items():
        # When the sweeper comes by
        assert sweeping.repaired(sweeper, order_id) == []

        # Then it found nothing to undo, and never looks at the order again
        assert "unsettled" not in sweeping.row(service, order_id)
    assert "unsettled" not in sweeping.row("order", order_id)
    assert stock_of(sku) == before


@pytest.mark.full
def test_an_order_that_is_under_way_is_left_in_peace(
    sweeping: Sweeping, saga: Saga, store: StoreClient, new_product: Callable[..., str]
) -> None:
    # Given an order that waits for its payment
    order_id = store.place_order([Line(new_product(), 1)], None)
    store.wait_for(order_id, {"AWAITING_PAYMENT"})

    # When all sweepers come by
    looked = [sweeping.repaired(sweeper, order_id) for sweeper, _, _ in SWEEPERS.values()]
    looked.append(sweeping.repaired("SweepOrders", order_id))

    # Then none touches it
    assert looked in ([[]] * 4, [[], [], [], ["woken"]])
    saga.wait_until_ended(order_id)
