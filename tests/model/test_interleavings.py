"""Random interleavings of everything that can happen to a few orders, held against a reference.

Hypothesis decides how deep each order starts, which takes its next step, what goes wrong with it
and what comes between: payments, cancellations, expiries, duplicates, late deliveries, dead
workers, a dead engine, partners that are down, clocks that disagree. After every move stock and
money must add up, and every order must be where `support.model_reference` lets it be. At the end
everything is repaired and swept, and every order must have ended rightly.

The states and transitions on the list of `support.model_goals` are counted when they are reached
before that clean-up, and a run that misses too many proves too little: it fails (see
`support.model_coverage`).

A failure prints the shortest play that shows it, as Python to paste into a test.
"""

from collections.abc import Callable, Iterator
from itertools import batched
from typing import Any

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

from support.model_cloud import (
    FINE,
    PARTNERS,
    PAYMENT_WAIT_SECONDS,
    SERVICES,
    WORKERS,
    Mishap,
    listeners_of,
    open_cloud,
)
from support.model_depths import DEPTHS, QUICK_DEPTHS
from support.model_store import SWEEPERS, Store, Wanted, order_of
from support.model_walker import Delivery, Execution

MOST_ORDERS = 5
TOKENS = [
    "tok_visa",
    "tok_visa",
    "tok_visa",
    "tok_flaky",
    "tok_declined",
    "tok_lost_reply",
    "tok_refund_fails",
]
ERRORS = ["States.Timeout", "Lambda.TooManyRequestsException", "Sandbox.Timedout", "Bug"]

some_order = st.integers(0, MOST_ORDERS - 1)
some_call = st.integers(0, 4)
some_token = st.sampled_from(TOKENS)
some_depth = st.sampled_from(sorted(DEPTHS))
some_wanted = st.tuples(
    st.sampled_from(["mouse", "mouse", "mouse", "teapot", "unicorn"]),
    st.integers(1, 2),
    st.one_of(some_token, st.none()),
    st.sampled_from(["GB", "GB", "GB", "XX"]),
)
some_sweeper = st.sampled_from(["SweepOrders", *SWEEPERS])
some_interruption = st.one_of(
    st.just(("again", None)),
    st.tuples(st.just("late"), st.integers(0, 20)),
    st.tuples(st.just("pay"), some_token),
    st.just(("cancel", None)),
    st.just(("step", None)),
    st.tuples(st.just("sweep"), some_sweeper),
    st.just(("redrive", None)),
)
some_mishap = st.one_of(
    st.builds(Mishap, st.sampled_from(["refused", "lost"]), st.sampled_from(ERRORS)),
    st.builds(Mishap, st.sampled_from(["killed", "unanswered"]), call=some_call),
)
some_start = st.sampled_from([FINE, Mishap("not started"), Mishap("started unanswered")])
some_view = st.sampled_from([FINE, FINE, Mishap("lagging")])
some_delivery = st.sampled_from([FINE, Mishap("not mailed"), Mishap("mailed unanswered")])


class Game(Store, RuleBasedStateMachine):
    """What chance may do with a store."""

    # Customers

    @initialize(depths=st.lists(some_depth, min_size=1, max_size=2))
    def open_the_shop(self, depths: list[str]) -> None:
        """The first orders have come a long way already."""
        for depth in depths:
            self.go_deep(depth)

    @precondition(lambda self: len(self.wishes) < MOST_ORDERS)
    @rule(depth=some_depth)
    def go_deep(self, depth: str) -> None:
        """An order comes to a chosen depth, and nothing interferes."""
        self.cloud.down.clear()
        DEPTHS[depth](self)

    @precondition(lambda self: len(self.wishes) < MOST_ORDERS)
    @rule(
        wanted=some_wanted,
        mishap=st.one_of(some_start, some_mishap),
        key=st.sampled_from([None, "key-1", "key-2"]),
    )
    def order(self, wanted: Wanted, mishap: Mishap, key: str | None) -> None:
        """A customer orders; where the answer gets lost, the order may exist all the same."""
        self.place(wanted, mishap, key)

    @precondition(lambda self: self.keys)
    @rule(
        number=some_order,
        token=st.one_of(some_token, st.none()),
        mishap=st.one_of(st.just(FINE), some_mishap),
    )
    def order_again(self, number: int, token: str | None, mishap: Mishap) -> None:
        """A customer's request comes again under its key, perhaps with another card."""
        key = list(self.keys)[number % len(self.keys)]
        sku, quantity, _, country = self.keys[key].wanted
        self.place((sku, quantity, token, country), mishap, key)

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

    @precondition(lambda self: self.waiting())
    @rule(
        number=some_order,
        seconds_left=st.sampled_from([60, 1, -1, -3]),
        decision=st.one_of(st.just(None), st.just("cancel"), some_token),
        mishap=st.one_of(st.just(FINE), some_mishap),
    )
    def decide_late(
        self, number: int, seconds_left: int, decision: str | None, mishap: Mishap
    ) -> None:
        """A customer who was asked to pay decides around the end of the time to pay, if at all."""
        waiting = self.waiting()
        order_id = waiting[number % len(waiting)]
        self.cloud.advance(max(0, self.seconds_left(self.order_row(order_id)) - seconds_left))
        if decision == "cancel":
            self.do_cancel(order_id, mishap)
        elif decision is not None:
            self.do_pay(order_id, decision, mishap)

    # The state machine

    @precondition(lambda self: self.running())
    @rule(number=some_order, steps=st.integers(1, 12))
    def go_on(self, number: int, steps: int) -> None:
        """An order's saga takes some steps, and nothing goes wrong."""
        execution = self.execution(number)
        for _ in range(steps):
            self.step(execution)

    @precondition(lambda self: self.running())
    @rule(number=some_order, mishap=some_mishap, for_good=st.booleans())
    def stumble(self, number: int, mishap: Mishap, for_good: bool) -> None:
        """A step goes wrong, once or as often as it is tried."""
        self.step(self.execution(number), mishap, for_good=for_good)

    @precondition(lambda self: self.running())
    @rule(number=some_order, call=some_call, interruption=some_interruption)
    def be_interrupted(self, number: int, call: int, interruption: tuple[str, Any]) -> None:
        """Something happens while a step is between two calls of its database."""
        execution = self.execution(number)
        if execution.waits_for is None:
            self.step(execution, self.interrupted(order_of(execution), call, interruption))

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
        mishap = interruption and self.interrupted(delivery.order_id, call, interruption)
        self.deliver(delivery, mishap or FINE)

    @rule(seconds=st.sampled_from([1, 60, 400, PAYMENT_WAIT_SECONDS + 1]))
    def let_time_pass(self, seconds: int) -> None:
        """Time passes; what was waited for in vain is given up by the next step."""
        self.cloud.advance(seconds)

    @rule(
        service=st.sampled_from(["order", *SERVICES]),
        worker=st.integers(0, WORKERS - 1),
        seconds=st.sampled_from([-180, -1, 0, 2, 180]),
    )
    def set_a_clock(self, service: str, worker: int, seconds: int) -> None:
        """The clock of one worker is slow or fast.

        The notification service's is the true one: the audit compares the times of its mails.
        """
        self.cloud.offsets[service, worker] = seconds
        if seconds:
            self.reach("the clocks disagree")

    # Partners, the engine, the bus, the sweepers and the operator

    @rule(partner=st.sampled_from(sorted(PARTNERS)), is_down=st.booleans())
    def let_a_partner(self, partner: str, is_down: bool) -> None:
        """A partner is down, or is there again."""
        if is_down:
            self.cloud.down.add(partner)
        else:
            self.cloud.down.discard(partner)

    @rule()
    def deliver_all(self) -> None:
        """The bus delivers what it hasn't yet."""
        self.publish()

    @precondition(lambda self: self.events())
    @rule(
        which=st.integers(0, 60),
        mishap=st.one_of(st.just(FINE), some_delivery, some_mishap),
    )
    def deliver_one(self, which: int, mishap: Mishap) -> None:
        """The bus delivers one event, in any order, and perhaps once more."""
        deliveries = [
            (listener, event) for event in self.events() for listener in listeners_of(event)
        ]
        if deliveries:
            listener, event = deliveries[which % len(deliveries)]
            self.deliver_event(listener, event, mishap)

    @rule(
        sweeper=some_sweeper,
        grace_seconds=st.sampled_from([0, 300]),
        mishap=st.one_of(some_view, some_start, some_mishap),
    )
    def sweep(self, sweeper: str, grace_seconds: int, mishap: Mishap) -> None:
        """A sweeper comes by."""
        self.do_sweep(sweeper, grace_seconds, mishap)

    @precondition(lambda self: self.wishes)
    @rule(number=some_order, sweeper=some_sweeper, call=some_call, interruption=some_interruption)
    def sweep_between(
        self, number: int, sweeper: str, call: int, interruption: tuple[str, Any]
    ) -> None:
        """Something happens to an order while a sweeper is between two calls."""
        mishap = self.interrupted(self.order_id(number), call, interruption)
        self.do_sweep(sweeper, 0, mishap)

    @precondition(lambda self: self.running())
    @rule()
    def lose_the_engine(self) -> None:
        """The engine dies, and knows of no execution any more."""
        for execution in self.running():
            self.trouble(execution)
        self.cloud.executions.clear()
        self.reach("the engine loses its executions")

    @precondition(lambda self: self.running())
    @rule(number=some_order)
    def abort(self, number: int) -> None:
        """Somebody stops an execution."""
        execution = self.execution(number)
        self.trouble(execution)
        execution.abort()

    @precondition(lambda self: self.wishes)
    @rule(
        number=some_order,
        repaired=st.booleans(),
        mishap=st.one_of(some_view, some_start, some_mishap),
    )
    def redrive(self, number: int, repaired: bool, mishap: Mishap) -> None:
        """An operator redrives an order, whether that makes sense or not."""
        if repaired:
            self.allow_refunds()
        self.do_redrive(self.order_id(number), mishap)

    @precondition(lambda self: self.wishes)
    @rule(number=some_order, call=some_call, interruption=some_interruption)
    def redrive_between(self, number: int, call: int, interruption: tuple[str, Any]) -> None:
        """Something happens to an order while an operator's redrive is between two calls."""
        order_id = self.order_id(number)
        self.do_redrive(order_id, self.interrupted(order_id, call, interruption))

    # What must always be so

    @invariant()
    def it_adds_up(self) -> None:
        """Stock and money are conserved, and no order did what it may not do."""
        self.everything_adds_up()

    def teardown(self) -> None:
        """Everything is repaired, and then every order must have ended, and rightly."""
        self.check_the_end()

    # Whom chance picks

    def execution(self, number: int) -> Execution:
        running = self.running()
        return running[number % len(running)]

    def waiting(self) -> list[str]:
        return [
            order_id for order_id, status in self.statuses.items() if status == "AWAITING_PAYMENT"
        ]

    def order_id(self, number: int) -> str:
        return list(self.wishes)[number % len(self.wishes)]

    def past_delivery(self, number: int, which: int) -> Delivery:
        order_ids = list(self.cloud.delivered)
        past = self.cloud.delivered[order_ids[number % len(order_ids)]]
        return past[which % len(past)]


@pytest.fixture(scope="module", autouse=True)
def _cloud() -> Iterator[None]:
    with open_cloud() as make:
        Store.make_cloud = staticmethod(make)
        yield


def play(examples: int, steps: int, **options: Any) -> None:
    """Has Hypothesis play so many games of so many moves."""
    run_state_machine_as_test(
        Game,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            **options,
        ),
    )


@pytest.mark.parametrize(
    "depths",
    [
        *batched(QUICK_DEPTHS, MOST_ORDERS),
        *(
            pytest.param(depths, marks=pytest.mark.full)
            for depths in batched(sorted(DEPTHS.keys() - set(QUICK_DEPTHS)), MOST_ORDERS)
        ),
    ],
    ids=" | ".join,
)
def test_orders_end_rightly_from_every_depth(depths: tuple[str, ...]) -> None:
    # Given orders that have come so far
    store = Store()
    for depth in depths:
        DEPTHS[depth](store)
        store.everything_adds_up()
        store.cloud.down.clear()

    # When their sagas go on, and nothing else goes wrong
    for execution in store.running():
        while execution.is_running and execution.waits_for is None:
            store.step(execution)
    store.everything_adds_up()

    # Then they end rightly
    store.check_the_end()


def test_orders_end_rightly_however_their_steps_interleave() -> None:
    """The same games every time, so that a change is to blame for a failure."""
    play(examples=4, steps=20, derandomize=True, database=None)


@pytest.mark.full
def test_orders_end_rightly_in_games_that_were_never_played_before() -> None:
    play(examples=80, steps=50)


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
    order_id = store.begin(("mouse", 1, "tok_visa", country))
    if country == "GB":
        store.do_cancel(order_id)

    # Then the game is lost
    with pytest.raises(AssertionError, match=complaint):
        store.check_the_end()


def a_voided_payment(task: Any, at: Any) -> Any:
    """Returns what a refund that forgets to give anything back would answer."""
    from payment import domain  # noqa: PLC0415 - not before the workers have theirs

    return domain.tombstone(task.order_id, at)
