"""Random interleavings of everything that can happen to a few orders, held against a reference.

Hypothesis decides which order takes its next step, what goes wrong with it and what comes between:
payments, cancellations, expiries, duplicates, late deliveries, dead workers, a dead engine. After
every move stock and money must add up, and every order must be where `support.model_reference` lets
it be. At the end everything is repaired and swept, and every order must have ended rightly.

A failure prints the shortest play that shows it, as Python to paste into a test.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import boto3
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sagashop_ops.audit import audit, read_books
from sagashop_ops.client import Line, order_body
from sagashop_ops.stack import Stack
from support.event_schemas import validate
from support.model_cloud import (
    FINE,
    PAYMENT_WAIT_SECONDS,
    SERVICES,
    Cloud,
    Mishap,
    Row,
    open_cloud,
    table_name,
)
from support.model_reference import ENDED, PARTS, Part, PartState, Wish, may_become
from support.model_walker import Delivery, Execution

MOST_ORDERS = 5
MOST_ROUNDS = 12
PRICES = {"mouse": 2999, "teapot": 1250}
SEEDED = {"mouse": 6, "teapot": 2}
TOKENS = [
    "tok_visa",
    "tok_visa",
    "tok_visa",
    "tok_flaky",
    "tok_declined",
    "tok_lost_reply",
    "tok_refund_fails",
]
# Of these an order may have several, told apart by a number.
REPEATED_EVENTS = {"OrderRedriven", "OrderNeedsAttention"}
ERRORS = ["States.Timeout", "Lambda.TooManyRequestsException", "Sandbox.Timedout", "Bug"]
SWEEPERS = ["SweepOrders", "SweepStock", "SweepPayments", "SweepShipments"]
UNDO = ("ReleaseStock", "RefundPayment", "CancelShipment")
OPERATOR_SECRET = "model-secret"

some_order = st.integers(0, MOST_ORDERS - 1)
some_call = st.integers(0, 4)
some_token = st.sampled_from(TOKENS)
some_wanted = st.tuples(
    st.sampled_from(["mouse", "mouse", "mouse", "teapot", "unicorn"]),
    st.integers(1, 2),
    st.one_of(some_token, st.none()),
    st.sampled_from(["GB", "GB", "GB", "XX"]),
)
some_interruption = st.one_of(
    st.just(("again", None)),
    st.tuples(st.just("late"), st.integers(0, 20)),
    st.tuples(st.just("pay"), some_token),
    st.just(("cancel", None)),
    st.tuples(st.just("other"), some_order),
)
some_mishap = st.one_of(
    st.builds(Mishap, st.sampled_from(["refused", "lost"]), st.sampled_from(ERRORS)),
    st.builds(Mishap, st.sampled_from(["killed", "unanswered"]), call=some_call),
)

type Wanted = tuple[str, int, str | None, str]
type Seen = Mapping[Part, PartState]


class Store(RuleBasedStateMachine):
    """A few orders of a small store, and everybody who may act on them."""

    make_cloud: ClassVar[Callable[[], Cloud]]

    def __init__(self) -> None:
        super().__init__()
        self.cloud = type(self).make_cloud()
        for sku, units in SEEDED.items():
            self.cloud.put("inventory", product(sku, units))
        self.wishes: dict[str, Wish] = {}
        self.seen: dict[str, Seen] = {}
        self.available = dict(SEEDED)
        # What may have happened since the last look: the tasks that each order was delivered.
        self.tasks: dict[str, set[str]] = {}

    # Customers

    @initialize(wanted=st.lists(some_wanted, min_size=1, max_size=3))
    def open_the_shop(self, wanted: list[Wanted]) -> None:
        """The first customers are there already."""
        for order in wanted:
            self.place(order, FINE)

    @precondition(lambda self: len(self.wishes) < MOST_ORDERS)
    @rule(wanted=some_wanted, mishap=some_mishap)
    def order(self, wanted: Wanted, mishap: Mishap) -> None:
        """A customer orders; where the answer gets lost, the order may exist all the same."""
        self.place(wanted, mishap)

    def place(self, wanted: Wanted, mishap: Mishap) -> None:
        sku, quantity, token, country = wanted
        self.cloud.request(
            "POST", "/orders", order_body([Line(sku, quantity)], token, country), mishap
        )
        for order_id in self.order_ids() - self.wishes.keys():
            self.wishes[order_id] = Wish(sku, quantity, country, {token}, sku in SEEDED)
            self.did("PlaceOrder", order_id=order_id)

    @precondition(lambda self: self.wishes)
    @rule(number=some_order, token=some_token, mishap=st.one_of(st.just(FINE), some_mishap))
    def pay(self, number: int, token: str, mishap: Mishap) -> None:
        """A customer pays, whether asked to or not."""
        self.do_pay(self.order_id(number), token, mishap)

    @precondition(lambda self: self.wishes)
    @rule(number=some_order, mishap=st.one_of(st.just(FINE), some_mishap))
    def cancel(self, number: int, mishap: Mishap) -> None:
        """A customer changes their mind."""
        self.do_cancel(self.order_id(number), mishap)

    # The state machine

    @precondition(lambda self: self.running())
    @rule(number=some_order, steps=st.integers(1, 12))
    def go_on(self, number: int, steps: int) -> None:
        """An order's saga takes some steps, and nothing goes wrong."""
        execution = self.execution(number)
        for _ in range(steps):
            self.step(execution, FINE)

    @precondition(lambda self: self.running())
    @rule(number=some_order, mishap=some_mishap, for_good=st.booleans())
    def stumble(self, number: int, mishap: Mishap, for_good: bool) -> None:
        """A step goes wrong, once or as often as it is tried."""
        self.step(self.execution(number), mishap, for_good)

    @precondition(lambda self: self.running())
    @rule(number=some_order, call=some_call, interruption=some_interruption)
    def be_interrupted(self, number: int, call: int, interruption: tuple[str, Any]) -> None:
        """Something happens while a step is between two calls of its database."""
        execution = self.execution(number)
        if execution.waits_for is not None:
            return
        self.step(execution, self.interrupted(execution.delivery(), call, interruption))

    @precondition(lambda self: self.cloud.delivered)
    @rule(
        number=some_order,
        which=st.integers(0, 20),
        call=some_call,
        interruption=st.one_of(st.none(), some_interruption),
    )
    def come_late(
        self, number: int, which: int, call: int, interruption: tuple[str, Any] | None
    ) -> None:
        """A task that was delivered before is delivered again, whatever has happened since."""
        delivery = self.past_delivery(number, which)
        if interruption is None:
            self.deliver(delivery, FINE)
        else:
            self.deliver(delivery, self.interrupted(delivery, call, interruption))

    @rule(seconds=st.sampled_from([1, 400, PAYMENT_WAIT_SECONDS + 1]))
    def let_time_pass(self, seconds: int) -> None:
        """Time passes; what was waited for in vain is given up by the next step."""
        self.cloud.advance(seconds)

    # The engine and the operator

    @rule(twice=st.booleans())
    def publish(self, twice: bool) -> None:
        """The bus delivers what it hasn't yet, and sometimes what it has."""
        for event in self.events():
            if twice or event["event_id"] not in self.cloud.published:
                self.cloud.publish(event)

    @rule(sweeper=st.sampled_from(SWEEPERS), grace_seconds=st.sampled_from([0, 300]))
    def sweep(self, sweeper: str, grace_seconds: int) -> None:
        """A sweeper comes by."""
        self.do_sweep(sweeper, grace_seconds)

    @precondition(lambda self: self.running())
    @rule()
    def lose_the_engine(self) -> None:
        """The engine dies, and knows of no execution any more."""
        for execution in self.running():
            self.trouble(execution)
        self.cloud.executions.clear()

    @precondition(lambda self: self.running())
    @rule(number=some_order)
    def abort(self, number: int) -> None:
        """Somebody stops an execution."""
        execution = self.execution(number)
        self.trouble(execution)
        execution.abort()

    @precondition(lambda self: self.wishes)
    @rule(number=some_order, repaired=st.booleans())
    def redrive(self, number: int, repaired: bool) -> None:
        """An operator redrives an order, whether that makes sense or not."""
        if repaired:
            self.allow_refunds()
        self.do_redrive(self.order_id(number))

    # What must always be so

    @invariant()
    def everything_adds_up(self) -> None:
        """Stock and money are conserved, and no order did what it may not do."""
        rows = {service: self.cloud.rows(service) for service in SERVICES}
        now = {order_id: look(order_id, rows) for order_id in self.wishes}
        for order_id, after in now.items():
            before = self.seen.get(order_id, dict.fromkeys(PARTS))
            for part in PARTS:
                assert may_become(part, before[part], after[part], self.tasks.get(order_id, ())), (
                    f"{order_id}: {part} went from {before[part]} to {after[part]} "
                    f"by {sorted(self.tasks.get(order_id, ()))}"
                )
        products = {row["sk"]: row for row in rows["inventory"] if row["pk"] == "PRODUCT"}
        for sku, row in products.items():
            counted = Counter(
                {
                    shelf: sum(
                        self.wishes[order_id].quantity
                        for order_id, parts in now.items()
                        if self.wishes[order_id].sku == sku and parts["stock"] == status
                    )
                    for shelf, status in (("reserved", "RESERVED"), ("sold", "COMMITTED"))
                }
            )
            shelves = {shelf: row[shelf] for shelf in ("available", "reserved", "sold")}
            available = SEEDED[sku] - counted["reserved"] - counted["sold"]
            assert shelves == {**counted, "available": available}
        for order_id, parts in now.items():
            self.check_refusal(order_id, parts["stock"], products)
        for row in rows["payment"]:
            if row["sk"] == "CHARGE" and "status" in row:
                self.check_charge(row)
        self.seen, self.tasks = now, {}
        self.available = {sku: row["available"] for sku, row in products.items()}

    def check_refusal(self, order_id: str, stock: PartState, products: Mapping[str, Row]) -> None:
        """Nobody is sent away while there is enough."""
        if stock != "FAILED" or self.seen[order_id]["stock"] == "FAILED":
            return
        wish = self.wishes[order_id]
        if wish.is_sold:
            least = min(self.available[wish.sku], products[wish.sku]["available"])
            assert least < wish.quantity, f"{order_id} was refused {wish.quantity} of {least}"

    def check_charge(self, row: Row) -> None:
        """The provider took what the order costs or nothing, and gave back all of it or nothing."""
        wish = self.wishes[row["pk"].removeprefix("PROVIDER#")]
        total = PRICES[wish.sku] * wish.quantity
        took = total if row["status"] in ("CAPTURED", "REFUNDED") else 0
        gave = total if row["status"] == "REFUNDED" else 0
        assert (row.get("captured_cents", 0), row.get("refunded_cents", 0)) == (took, gave)

    def teardown(self) -> None:
        """Everything is repaired, and then every order must have ended, and rightly."""
        if not self.wishes:
            return
        self.settle()
        self.everything_adds_up()
        orders = {row["order_id"]: row for row in self.cloud.rows("order") if row["sk"] == "ORDER"}
        for order_id, wish in self.wishes.items():
            order = orders[order_id]
            reason = order["reason"] and order["reason"]["code"]
            ends = wish.ends(self.seen[order_id]["stock"])
            assert (order["status"], reason) in ends, f"{order_id}: {wish}"
        report = audit(self.read_books())
        assert report.holds, report.discrepancies
        self.check_events()
        for service in SERVICES:
            left = [row["pk"] for row in self.cloud.rows(service) if "unsettled" in row]
            assert not left, f"the sweepers never sign off {left}"

    def check_events(self) -> None:
        """Every event is told once, fits its schema, and tells what has happened."""
        events = [(row["detail_type"], json.loads(row["detail"])) for row in self.events()]
        for event_type, detail in events:
            validate(event_type, detail)
        ids = Counter(detail["metadata"]["event_id"] for _, detail in events)
        assert not [event_id for event_id, told in ids.items() if told > 1]
        told = Counter(
            (detail["data"]["order_id"], event_type)
            for event_type, detail in events
            if event_type not in REPEATED_EVENTS
        )
        assert not [event for event, times in told.items() if times > 1]
        for order_id, parts in self.seen.items():
            facts = {
                "OrderPlaced": True,
                "OrderCancelled": parts["order"] == "CANCELLED",
                "StockReservationFailed": parts["stock"] == "FAILED",
                "PaymentCaptured": parts["charge"] in ("CAPTURED", "REFUNDED"),
                "PaymentRefunded": parts["charge"] == "REFUNDED",
                "PaymentDeclined": parts["payment"] == "DECLINED",
            }
            for event_type, happened in facts.items():
                assert told[order_id, event_type] == happened, f"{order_id}: {event_type}"

    # How it is done

    def settle(self) -> None:
        """Lets everything that is under way come to its end, with nothing going wrong any more."""
        for _ in range(MOST_ROUNDS):
            self.allow_refunds()
            self.publish(twice=False)
            self.cloud.advance(2 * 3600)
            for sweeper in SWEEPERS:
                self.do_sweep(sweeper, 0)
            for execution in self.running():
                while execution.is_running:
                    if execution.waits_for is not None:
                        self.cloud.advance(PAYMENT_WAIT_SECONDS)
                    self.step(execution, FINE)
            if self.is_settled():
                return
            for order_id, parts in self.look().items():
                if parts["order"] not in ENDED:
                    self.do_redrive(order_id)
            self.everything_adds_up()

    def is_settled(self) -> bool:
        """Whether every order has ended, and every sweeper has nothing left to look at."""
        unsettled = (
            row for name in SERVICES for row in self.cloud.rows(name) if "unsettled" in row
        )
        return {parts["order"] for parts in self.look().values()} <= ENDED and not any(unsettled)

    def step(self, execution: Execution, mishap: Mishap, for_good: bool = False) -> None:
        """Takes a saga's next step; one that waits only goes on where its time is over."""
        if not execution.is_running:
            return
        if execution.waits_for is not None:
            self.cloud.time_out(execution)
            return
        if for_good or mishap.error == "Bug":
            self.trouble(execution)
        self.did(execution.task, order_id=order_of(execution))
        self.cloud.step(execution, mishap, for_good=for_good)

    def deliver(self, delivery: Delivery, mishap: Mishap) -> None:
        """Delivers a task beside its saga, which hears nothing of it."""
        self.did(delivery.task, order_id=delivery.order_id)
        self.cloud.deliver(delivery, mishap)

    def interrupted(self, delivery: Delivery, call: int, how: tuple[str, Any]) -> Mishap:
        """Returns the mishap that has something else happen in the middle of a delivery."""
        order_id = delivery.order_id

        def interrupt() -> None:
            match how:
                case ("again", _):
                    self.deliver(delivery, FINE)
                case ("late", which):
                    past = self.cloud.delivered[order_id]
                    self.deliver(past[which % len(past)], FINE)
                case ("pay", token):
                    self.do_pay(order_id, token, FINE)
                case ("cancel", _):
                    self.do_cancel(order_id, FINE)
                case ("other", number):
                    self.step(self.execution(number), FINE)

        return Mishap("interrupted", call=call, interruption=interrupt)

    def do_pay(self, order_id: str, token: str, mishap: Mishap) -> None:
        answer = self.cloud.request(
            "POST", "/orders/{order_id}/payment", {"token": token}, mishap, order_id=order_id
        )
        wish = self.wishes[order_id]
        if answer is None or answer[0] == 503:
            wish.tokens.add(token)
        elif answer[0] == 202:
            wish.tokens = {token}
        else:
            assert answer[0] == 409, answer

    def do_cancel(self, order_id: str, mishap: Mishap) -> None:
        answer = self.cloud.request(
            "POST", "/orders/{order_id}/cancel", {}, mishap, order_id=order_id
        )
        wish = self.wishes[order_id]
        if answer is None or answer[0] == 503:
            wish.may_be_cancelled = True
        elif answer[0] == 202:
            wish.was_cancelled = True
        else:
            assert answer[0] == 409, answer

    def do_redrive(self, order_id: str) -> None:
        answer = self.cloud.request(
            "POST",
            "/ops/orders/{order_id}/redrive",
            {"operator": "ada", "reason": "the model says so"},
            headers={"Authorization": f"Bearer {OPERATOR_SECRET}"},
            function="OrderOps",
            order_id=order_id,
        )
        assert answer is not None
        assert answer[0] in (202, 409), answer

    def do_sweep(self, sweeper: str, grace_seconds: int) -> None:
        """A sweeper of a service undoes what orders left behind that were cancelled."""
        if sweeper != "SweepOrders":
            for order_id, parts in self.look().items():
                if parts["order"] == "CANCELLED":
                    self.did(*UNDO, order_id=order_id)
        self.cloud.sweep(sweeper, grace_seconds)

    def did(self, *tasks: str, order_id: str) -> None:
        self.tasks.setdefault(order_id, set()).update(tasks)

    def trouble(self, execution: Execution) -> None:
        self.wishes[order_of(execution)].was_troubled = True

    def allow_refunds(self) -> None:
        """The provider refunds everything again."""
        for row in self.cloud.rows("payment"):
            if row["sk"] == "CHARGE" and row.get("refunds_blocked"):
                self.cloud.put("payment", {**row, "refunds_blocked": False})

    def running(self) -> list[Execution]:
        return [run for run in self.cloud.executions.values() if run.is_running]

    def execution(self, number: int) -> Execution:
        running = self.running() or list(self.cloud.executions.values())
        return running[number % len(running)]

    def order_id(self, number: int) -> str:
        return list(self.wishes)[number % len(self.wishes)]

    def past_delivery(self, number: int, which: int) -> Delivery:
        order_ids = list(self.cloud.delivered)
        past = self.cloud.delivered[order_ids[number % len(order_ids)]]
        return past[which % len(past)]

    def order_ids(self) -> set[str]:
        return {row["order_id"] for row in self.cloud.rows("order") if row["sk"] == "ORDER"}

    def events(self) -> list[Row]:
        return [
            row
            for service in SERVICES
            for row in self.cloud.rows(service)
            if row.get("entity") == "outbox_event"
        ]

    def look(self) -> dict[str, Seen]:
        rows = {service: self.cloud.rows(service) for service in SERVICES}
        return {order_id: look(order_id, rows) for order_id in self.wishes}

    def read_books(self) -> Any:
        """Reads the tables as the auditor does."""
        fields = dict.fromkeys(Stack.__dataclass_fields__, "")
        stack = Stack(**fields | {"tables": {name: table_name(name) for name in SERVICES}})  # type: ignore[arg-type]
        return read_books(stack)


def product(sku: str, units: int) -> Row:
    """Returns a product's row, as seeded."""
    return {
        "pk": "PRODUCT",
        "sk": sku,
        "name": sku,
        "description": sku,
        "currency": "USD",
        "price_cents": PRICES[sku],
        "available": units,
        "reserved": 0,
        "sold": 0,
        "seeded": units,
        "version": 1,
    }


def order_of(execution: Execution) -> str:
    """Returns the order that an execution is of."""
    order_id: str = execution.saga_input["task"]["order_id"]
    return order_id


def look(order_id: str, rows: Mapping[str, list[Row]]) -> Seen:
    """Returns the states of an order's parts, from every service's rows."""
    keys = {
        "order": ("order", f"ORDER#{order_id}", "ORDER"),
        "stock": ("inventory", f"RESERVATION#{order_id}", "RESERVATION"),
        "payment": ("payment", f"PAYMENT#{order_id}", "PAYMENT"),
        "charge": ("payment", f"PROVIDER#{order_id}", "CHARGE"),
        "shipment": ("shipping", f"SHIPMENT#{order_id}", "SHIPMENT"),
        "booking": ("shipping", f"CARRIER#{order_id}", "BOOKING"),
    }
    found = {
        (service, row["pk"], row["sk"]): row.get("status")
        for service, its_rows in rows.items()
        for row in its_rows
    }
    return {part: found.get(key) for part, key in keys.items()}


@pytest.fixture(scope="module", autouse=True)
def _cloud() -> Iterator[None]:
    with open_cloud() as make:
        boto3.client("secretsmanager").create_secret(
            Name="model-operator-secret", SecretString=OPERATOR_SECRET
        )
        Store.make_cloud = staticmethod(make)
        yield


def play(examples: int, steps: int, **options: Any) -> None:
    """Has Hypothesis play so many games of so many moves."""
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


def test_orders_end_rightly_however_their_steps_interleave() -> None:
    """The same games every time, so that a change is to blame for a failure."""
    play(examples=8, steps=20, derandomize=True, database=None)


@pytest.mark.full
def test_orders_end_rightly_in_games_that_were_never_played_before() -> None:
    play(examples=200, steps=50)


@pytest.mark.parametrize(
    ("function", "instead", "country", "complaint"),
    [
        (
            "payment.saga.service.refund",
            lambda _, __, task, at: a_voided_payment(task, at),
            "XX",
            "cents were kept",
        ),
        ("inventory.saga.service.release", lambda *_: None, "XX", "its reservation is RESERVED"),
        ("order.saga.domain.refuse_if_cancelled", lambda _: None, "GB", "was_cancelled=True"),
    ],
)
def test_a_store_that_does_not_undo_what_it_should_is_found_out(
    function: str,
    instead: Callable[..., Any],
    country: str,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a store with a fault
    store = Store()
    module, inner, name = function.rsplit(".", 2)
    for worker in store.cloud.workers[module.partition(".")[0]]:
        monkeypatch.setattr(getattr(worker.module(module), inner), name, instead)

    # When an order has to be undone
    store.place(("mouse", 1, "tok_visa", country), FINE)
    if country == "GB":
        store.cancel(0, FINE)

    # Then the game is lost
    with pytest.raises(AssertionError, match=complaint):
        store.teardown()


def a_voided_payment(task: Any, at: Any) -> Any:
    """Returns what a refund that forgets to give anything back would answer."""
    from payment import domain  # noqa: PLC0415 - not before the workers have theirs

    return domain.tombstone(task.order_id, at)
