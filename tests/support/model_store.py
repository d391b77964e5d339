"""The model's store: whoever may act on a few orders, and what must hold after every move.

A test makes one move after another: a customer's, the state machine's, an operator's, a sweeper's.
After each, `everything_adds_up` holds what is seen against `support.model_reference`. In the end
`check_the_end` repairs everything and lets every order end; each must then have ended rightly.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from builders import ACCOUNT_ID
from sagashop_ops.audit import audit, read_books
from sagashop_ops.client import Line, order_body
from sagashop_ops.stack import Stack
from support import model_reference as reference
from support.event_schemas import validate
from support.model_cloud import (
    FINE,
    OPERATOR,
    PAYMENT_WAIT_SECONDS,
    SERVICES,
    WORKERS,
    Answer,
    Cloud,
    Mishap,
    Row,
    listeners_of,
    table_name,
    token_for,
)
from support.model_goals import REACHED
from support.model_reference import ENDED, PARTS, Part, PartState, Wish, may_become
from support.model_walker import Delivery, Execution

MOST_ROUNDS = 12
PRICES = {"mouse": 2999, "teapot": 1250}
SEEDED = {"mouse": 12, "teapot": 2}
SWEEPERS = ["SweepOrders", "SweepStock", "SweepPayments", "SweepShipments"]
UNDO = ("ReleaseStock", "RefundPayment", "CancelShipment")
OPERATOR_TOKEN = token_for("account", ACCOUNT_ID, role="operator")
# Of these an order may have several, told apart by a number.
REPEATED_EVENTS = {"OrderRedriven", "OrderNeedsAttention"}
_SEEDED_AT = "2026-01-01T00:00:00.000Z"

type Wanted = tuple[str, int, str | None, str]
"""SKU, quantity, payment token and country of an order."""
type Seen = Mapping[Part, PartState]


@dataclass(frozen=True)
class Key:
    """What an idempotency key was used for, and the order that it placed, once that is known."""

    wanted: Wanted
    order_id: str | None

    def is_for(self, wanted: Wanted) -> bool:
        """Whether a request means the same; a customer may well try again with another card."""
        sku, quantity, _, country = wanted
        return (sku, quantity, country) == (self.wanted[0], self.wanted[1], self.wanted[3])


class Store:
    """A few orders of a small store, and everybody who may act on them."""

    make_cloud: ClassVar[Callable[[], Cloud]]

    def __init__(self) -> None:
        super().__init__()
        self.cloud = type(self).make_cloud()
        for sku, units in SEEDED.items():
            self.cloud.put("inventory", product(sku, units))
        self.wishes: dict[str, Wish] = {}
        self.keys: dict[str, Key] = {}
        self.seen: dict[str, Seen] = {}
        self.available = dict(SEEDED)
        # What may have happened since the last look: the tasks that each order was delivered.
        self.tasks: dict[str, set[str]] = {}
        self.statuses: dict[str, str] = {}
        self.wrong: list[str] = []
        """What was seen in the middle of a call, where a failure would only become an answer."""
        self.unsure_mails: Counter[str] = Counter()
        """How often an event's mail was accepted, and the notification service may not know."""
        self.mails_of: dict[str, list[str]] = defaultdict(list)
        """The events whose mails an order's customer was sent, in their order."""
        self.failures: dict[str, Any] = {}
        """Why an order turned back, as its row said first."""
        self.is_cleaning_up = False
        self.cloud.on_effect = self.observe
        self.cloud.on_event = self.reach

    # What was reached

    def reach(self, goal: str) -> None:
        """Counts a state or a transition that the moves have led to, and not the clean-up."""
        if not self.is_cleaning_up:
            REACHED[goal] += 1

    def observe(self) -> None:
        """Looks at every order's status, after any write."""
        for order_id, status in self.cloud.statuses().items():
            before = self.statuses.get(order_id)
            if status == before:
                continue
            self.statuses[order_id] = status
            if before is not None:
                self.reach(f"{before} -> {status}")
            self.reach(status)
            if (before, status) not in reference.TRANSITIONS:
                self.wrong.append(f"{order_id} went from {before} to {status}")

    def observe_delivery(
        self, delivery: Delivery, before: str | None, answer: Answer, *, is_late: bool
    ) -> None:
        """Notes what a task's delivery shows, given the order's status before it."""
        task, error, after = delivery.task, answer.error, self.statuses.get(delivery.order_id)
        undone = before in ("CANCELLING", "CANCELLED", "NEEDS_ATTENTION")
        facts = {
            "a superseded execution's write is refused": error == "ExecutionSuperseded",
            "a step is throttled": error == "Lambda.TooManyRequestsException",
            "a step finds its partner's circuit open": error == "CircuitOpen",
            "a step comes after the turn": error == "StepAlreadyUndone",
            "CompleteOrder takes effect, and its answer is lost": (
                task == "CompleteOrder"
                and (before, after) == ("PAID", "COMPLETED")
                and error is not None
            ),
            "BeginCancellation loses to CompleteOrder": (
                task == "BeginCancellation" and before == "COMPLETED" and error is None
            ),
            "CompleteOrder loses to BeginCancellation": (
                task == "CompleteOrder" and undone and error is not None
            ),
            "a late FlagForAttention changes nothing": (
                task == "FlagForAttention" and is_late and before == after
            ),
            "a late first AwaitPayment comes while a later one waits": (
                task == "AwaitPayment"
                and is_late
                and before == "AWAITING_PAYMENT"
                and delivery.payload["task_token"] not in self.live_tokens(delivery.order_id)
            ),
            "the payment window is closed too early, and stays open": error == "PaymentWindowOpen",
        }
        for fact, holds in facts.items():
            if holds:
                self.reach(fact)
        if task in reference.COMPENSATIONS and before == "CANCELLING" and error is None:
            self.reach(f"{task} undoes")

    # Customers

    def place(
        self, wanted: Wanted, mishap: Mishap = FINE, key: str | None = None
    ) -> tuple[int, Any] | None:
        """A customer orders; where the answer gets lost, the order may exist all the same."""
        sku, quantity, token, country = wanted
        body = order_body([Line(sku, quantity)], token, country)
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = self.cloud.request("POST", "/orders", body, mishap, headers)
        new = self.order_ids() - self.wishes.keys()
        for order_id in new:
            self.wishes[order_id] = Wish(sku, quantity, country, {token}, sku in SEEDED)
            self.did("PlaceOrder", order_id=order_id)
        assert len(new) <= 1, f"one request placed {new}"
        self.check_placement(wanted, key, answer, next(iter(new), None))
        return answer

    def check_placement(
        self, wanted: Wanted, key: str | None, answer: tuple[int, Any] | None, new: str | None
    ) -> None:
        """A 202 means that the order exists; a key places one order, however often it is sent."""
        assert answer is None or answer[0] in (202, 409, 503), answer
        earlier = None if key is None else self.keys.get(key)
        placed = None if earlier is None else earlier.order_id
        assert placed is None or new is None, f"{key} placed {placed}, and then {new}"
        if answer is not None and answer[0] == 202:
            order_id = answer[1]["order_id"]
            assert order_id in self.wishes, f"{order_id} was accepted and does not exist"
            assert order_id == (placed or new), f"{order_id} was told, {placed or new} placed"
        if earlier is not None and placed is not None and answer is not None:
            if earlier.is_for(wanted):
                assert answer[0] in (202, 503), answer
                self.reach("POST /orders is repeated under its key")
            else:
                assert answer[0] in (409, 503), answer
                self.reach("an idempotency key comes with another order")
        if key is not None and placed is None:
            self.keys[key] = Key(wanted, new)

    def do_pay(self, order_id: str, token: str, mishap: Mishap = FINE) -> int | None:
        """A customer pays, whether asked to or not; returns the answer's HTTP status."""
        row = self.order_row(order_id)
        is_promised = mishap.interruption is None and self.is_payable(row)
        answer = self.cloud.request(
            "POST", "/orders/{order_id}/payment", {"token": token}, mishap, order_id=order_id
        )
        wish = self.wishes[order_id]
        if answer is None or answer[0] == 503:
            wish.tokens.add(token)
            return answer and answer[0]
        if answer[0] == 202:
            wish.tokens = {token}
            if is_promised:
                self.reach("pay wins")
                if row["cancel_requested_at"] is None and self.seconds_left(row) < 60:
                    self.reach("pay comes in the last minute")
            return 202
        assert answer[0] == 409, answer
        assert not is_promised, f"{order_id} was refused a payment in time: {answer}"
        if row["status"] == "AWAITING_PAYMENT" and row["payment_token"] is None:
            wins = "cancel" if row["cancel_requested_at"] is not None else "expiry"
            self.reach(f"{wins} wins over pay")
        return 409

    def do_cancel(self, order_id: str, mishap: Mishap = FINE) -> int | None:
        """A customer changes their mind; returns the answer's HTTP status."""
        row = self.order_row(order_id)
        answer = self.cloud.request(
            "POST", "/orders/{order_id}/cancel", {}, mishap, order_id=order_id
        )
        wish = self.wishes[order_id]
        if answer is None or answer[0] == 503:
            wish.may_be_cancelled = True
            return answer and answer[0]
        if answer[0] == 202:
            wish.was_cancelled = True
            if row["status"] == "AWAITING_PAYMENT":
                is_paid = row["payment_token"] is not None
                self.reach("cancel comes after pay" if is_paid else "cancel wins")
                if self.seconds_left(row) < 0:
                    self.reach("cancel wins over expiry")
            elif row["status"] == "PAID":
                self.reach("a paid order is cancelled")
            return 202
        assert answer[0] == 409, answer
        if row["status"] == "COMPLETED":
            self.reach("complete wins over cancel")
        return 409

    # Operators, sweepers and the bus

    def do_redrive(self, order_id: str, mishap: Mishap = FINE) -> int | None:
        """An operator redrives an order; returns the answer's HTTP status."""
        before = self.order_row(order_id)["status"]
        answer = self.cloud.request(
            "POST",
            "/ops/orders/{order_id}/redrive",
            {"reason": "the model says so"},
            mishap,
            headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
            function="OrderOps",
            order_id=order_id,
        )
        self.did("Redrive", order_id=order_id)
        if answer is None:
            return None
        assert answer[0] in (202, 409, 503), answer
        if answer[0] == 202:
            running = [run for run in self.executions(order_id) if run.is_running]
            if before == "CANCELLING":
                self.reach("a redrive during an undo")
            if before == "NEEDS_ATTENTION":
                self.reach("a parked order is redriven")
            if len(running) > 1:
                self.reach("two executions of one order run")
        elif answer[0] == 409 and before not in ENDED:
            self.reach("a redrive is refused: the saga runs")
        return answer[0]

    def do_sweep(self, sweeper: str, grace_seconds: int = 0, mishap: Mishap = FINE) -> None:
        """A sweeper of a service undoes what orders left behind that were cancelled."""
        restarts = {order_id: len(self.executions(order_id)) for order_id in self.wishes}
        before = dict(self.statuses)
        report = self.cloud.sweep(sweeper, grace_seconds, mishap)
        if report is None:
            self.reach("a sweep fails")
        if sweeper != "SweepOrders":
            for order_id in self.wishes:
                if self.statuses[order_id] == "CANCELLED":
                    self.did(*UNDO, order_id=order_id)
            return
        for order_id, started in restarts.items():
            if len(self.executions(order_id)) > started:
                self.reach("SweepOrders restarts an order")
                if before[order_id] == "CANCELLING":
                    self.reach("SweepOrders restarts an undo")

    def deliver_event(self, listener: str, event: Row, mishap: Mishap = FINE) -> None:
        """The bus delivers an event to one listener, perhaps once more."""
        key, sent = event["event_id"], len(self.cloud.mails)
        succeeded = self.cloud.publish(listener, event, mishap)
        if not succeeded:
            self.reach("a delivery of an event fails")
        mails = self.cloud.mails[sent:]
        for mail in mails:
            self.check_mail(event, mail)
            self.mails_of[mail.order_id].append(key)
            if not succeeded:
                self.unsure_mails[key] += 1
        if listener == "SendNotification" and succeeded and not mails:
            self.reach("an event's mail is skipped")
        if mails:
            told = Counter(self.mails_of[mails[0].order_id])[key]
            allowed = 1 + self.unsure_mails[key]
            assert told <= allowed, f"{key} was mailed {told} times"

    def check_mail(self, event: Row, mail: Any) -> None:
        """A mail tells what is so at that moment, and nothing that is over."""
        order_id = mail.order_id
        row, event_type = self.order_row(order_id), event["detail_type"]
        told = f"{order_id}, {row['status']}: {mail.subject}"
        if event_type == "OrderNeedsAttention":
            assert mail.to == OPERATOR, told
            return
        assert mail.to != OPERATOR, told
        if event_type == "PaymentRequested":
            assert self.is_payable(row, of_any_worker=True), told
        ends = {"OrderCompleted": "COMPLETED", "OrderCancelled": "CANCELLED"}
        if event_type in ends:
            assert row["status"] == ends[event_type], told
        if event_type in ("OrderPlaced", "PaymentRequested"):
            mailed = {self.type_of(key) for key in self.mails_of[order_id]}
            assert not mailed & ends.keys(), f"{told}, after {mailed}"

    def type_of(self, event_id: str) -> str:
        """Returns an event's type."""
        return next(
            event["detail_type"] for event in self.events() if event["event_id"] == event_id
        )

    # The state machine

    def step(self, execution: Execution, mishap: Mishap = FINE, *, for_good: bool = False) -> None:
        """Takes a saga's next step; one that waits only goes on where its time is over."""
        if not execution.is_running:
            return
        if execution.waits_for is not None:
            self.cloud.time_out(execution)
            return
        if for_good or mishap.error == "Bug":
            self.trouble(execution)
        order_id, delivery = order_of(execution), execution.delivery()
        self.did(execution.task, order_id=order_id)
        before, row = self.statuses.get(order_id), self.order_row(order_id)
        answer = self.cloud.step(execution, mishap, for_good=for_good)
        self.check_fence(delivery, mishap, row)
        if answer.error in ("CircuitOpen", "PaymentProviderUnavailable", "CarrierUnavailable"):
            self.trouble(execution)
        self.observe_delivery(delivery, before, answer, is_late=False)
        if execution.path[-1] == "Superseded":
            self.reach("a superseded execution ends quietly")
        if delivery.task == "FlagForAttention" and answer.error is None:
            self.reach(f"parked at {delivery.payload['compensation']}")
            if mishap is FINE and before == "CANCELLING":
                self.check_owed(order_id)

    def deliver(self, delivery: Delivery, mishap: Mishap = FINE) -> Answer:
        """Delivers a task beside its saga, which hears nothing of it."""
        self.did(delivery.task, order_id=delivery.order_id)
        before, row = self.statuses.get(delivery.order_id), self.order_row(delivery.order_id)
        answer = self.cloud.deliver(delivery, mishap)
        self.check_fence(delivery, mishap, row)
        self.observe_delivery(delivery, before, answer, is_late=True)
        return answer

    def interrupted(self, order_id: str, call: int, how: tuple[str, Any]) -> Mishap:
        """Returns the mishap that has something else happen in the middle of a call."""

        def interrupt() -> None:
            past = self.cloud.delivered.get(order_id, [])
            match how:
                case ("again", _) if past:
                    self.deliver(past[-1])
                case ("late", which) if past:
                    self.deliver(past[which % len(past)])
                case ("pay", token):
                    self.do_pay(order_id, token)
                case ("cancel", _):
                    self.do_cancel(order_id)
                case ("step", _):
                    for execution in self.executions(order_id):
                        self.step(execution)
                case ("sweep", sweeper):
                    self.reach("a sweep comes between two calls")
                    self.do_sweep(sweeper)
                case ("redrive", _):
                    self.reach("a redrive comes between two calls")
                    self.do_redrive(order_id)

        return Mishap("interrupted", call=call, interruption=interrupt)

    # A test's ways to get somewhere

    def begin(self, wanted: Wanted) -> str:
        """Places an order, and returns its id."""
        answer = self.place(wanted)
        assert answer is not None
        assert answer[0] == 202, answer
        order_id: str = answer[1]["order_id"]
        return order_id

    def drive(self, order_id: str, until: str | None = None) -> Execution:
        """Takes the steps of an order's latest execution, up to the one that is named, or to the
        end; an order that waits for its customer stays there."""
        execution = self.executions(order_id)[-1]
        while execution.is_running and execution.task != until and execution.waits_for is None:
            self.step(execution)
        if until is not None:
            assert execution.is_running, f"{until} was never reached: {execution.path}"
        return execution

    def end(self, order_id: str) -> Row:
        """Drives an order's latest execution to its end; returns the order's row."""
        self.drive(order_id)
        return self.order_row(order_id)

    # What must always be so

    def everything_adds_up(self) -> None:
        """Stock and money are conserved, and no order did what it may not do."""
        assert not self.wrong, self.wrong
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
        orders = {row["order_id"]: row for row in rows["order"] if row["sk"] == "ORDER"}
        for execution in self.running():
            self.check_waiting(execution, orders[order_of(execution)])
        for order_id, order in orders.items():
            self.check_decisions(order_id, order)
        self.check_unpaid(rows["order"])
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

    def check_unpaid(self, rows: list[Row]) -> None:
        """A caller's unpaid orders are those that wait for a payment, and no others."""
        waiting: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            may_hold = row.get("status") in ("PENDING", "AWAITING_PAYMENT")
            if row["sk"] == "ORDER" and may_hold and row["payment_token"] is None:
                units = sum(line["quantity"] for line in row["lines"])
                for caller in row["unpaid_of"]:
                    waiting[f"UNPAID#{caller}"].update(orders=1, units=units)
        for row in rows:
            if row["sk"] == "UNPAID":
                counted = {"orders": row["orders"], "units": row["units"]}
                expected = waiting.pop(row["pk"], Counter())
                assert counted == {"orders": expected["orders"], "units": expected["units"]}
        assert not waiting

    def check_charge(self, row: Row) -> None:
        """The provider took what the order costs or nothing, and gave back all of it or nothing."""
        wish = self.wishes[row["pk"].removeprefix("PROVIDER#")]
        total = PRICES[wish.sku] * wish.quantity
        took = total if row["status"] in ("CAPTURED", "REFUNDED") else 0
        gave = total if row["status"] == "REFUNDED" else 0
        assert (row.get("captured_cents", 0), row.get("refunded_cents", 0)) == (took, gave)

    def check_fence(self, delivery: Delivery, mishap: Mishap, before: Row) -> None:
        """Only the current execution changes the order's row."""
        is_current = delivery.payload["task"]["execution"] == current_execution(before)
        if is_current or mishap.interruption is not None:
            return
        # A failure in the middle of a sweep or of a request would only become an answer.
        if self.order_row(delivery.order_id) != before:
            self.wrong.append(f"{delivery.order_id} was changed by {delivery}")

    def check_owed(self, order_id: str) -> None:
        """What operators are told that is owed is what the services hold, or the worst."""
        told = [
            json.loads(event["detail"])["data"]
            for event in self.events()
            if event["detail_type"] == "OrderNeedsAttention" and order_id in event["detail"]
        ][-1]["owed"]
        wish, held = self.wishes[order_id], self.look()[order_id]
        money = {"PENDING": None, "CAPTURED": PRICES[wish.sku] * wish.quantity}
        stock = [{"sku": wish.sku, "quantity": wish.quantity}]
        is_held = held["stock"] in ("RESERVED", "COMMITTED")
        may_be_booked = held["shipment"] in ("PENDING", "CREATED")
        if "payment" not in told["unanswered"]:
            assert told["refund_cents"] == money.get(held["payment"] or "", 0), (told, held)
        if "inventory" not in told["unanswered"]:
            assert told["stock_held"] == (stock if is_held else []), (told, held)
        if "shipping" not in told["unanswered"]:
            assert told["shipment_booked"] == may_be_booked, (told, held)

    def check_waiting(self, execution: Execution, order: Row) -> None:
        """The order's row has the token for which its current execution waits."""
        if execution.waits_for is None or execution.name != current_execution(order):
            return
        window = order["payment_window"]
        if order["status"] == "AWAITING_PAYMENT" and window is not None:
            assert window["task_token"] == execution.waits_for, "the live task token was replaced"

    def check_decisions(self, order_id: str, order: Row) -> None:
        """What was decided stays so: why the order turned back, and the end of its time to pay."""
        if order["failure"] is not None:
            first = self.failures.setdefault(order_id, order["failure"])
            assert order["failure"] == first, f"{order_id} turned back for another reason"
        window = order["payment_window"]
        if window is not None and order["payment_expired_at"] is not None:
            assert order["payment_expired_at"] >= window["due_at"], f"{order_id} expired early"

    # The end

    def check_the_end(self) -> None:
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
            assert (order["status"], reason) in ends, f"{order_id}: {wish}: {order['status']}"
            self.check_timeline(order_id)
        report = audit(self.read_books())
        assert report.holds, report.discrepancies
        self.check_events()
        self.check_last_mails()
        for service in SERVICES:
            left = [row["pk"] for row in self.cloud.rows(service) if "unsettled" in row]
            assert not left, f"the sweepers never sign off {left}"

    def settle(self) -> None:
        """Lets everything that is under way come to its end, with nothing going wrong any more."""
        self.is_cleaning_up = True
        self.cloud.down.clear()
        for _ in range(MOST_ROUNDS):
            self.allow_refunds()
            self.publish()
            self.cloud.advance(2 * 3600)
            for sweeper in SWEEPERS:
                self.do_sweep(sweeper, 0)
            for execution in self.running():
                while execution.is_running:
                    if execution.waits_for is not None:
                        self.cloud.advance(PAYMENT_WAIT_SECONDS)
                    self.step(execution)
            if self.is_settled():
                self.publish()
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
        reasons = {
            (detail["data"]["order_id"], event_type): detail["data"]["reason"]["code"]
            for event_type, detail in events
            if event_type in ("OrderCancellationStarted", "OrderCancelled")
        }
        for order_id in self.wishes:
            announced = reasons.get((order_id, "OrderCancellationStarted"))
            assert announced == reasons.get((order_id, "OrderCancelled")), order_id
            sequences = [
                detail["metadata"]["sequence"]
                for row, (_, detail) in zip(self.events(), events, strict=True)
                if row["source"] == "sagashop.order" and detail["data"]["order_id"] == order_id
            ]
            assert min(sequences) == 1, sequences
            assert len(sequences) == len(set(sequences)), sequences
        for order_id, parts in self.seen.items():
            facts = {
                "OrderPlaced": True,
                "OrderCancelled": parts["order"] == "CANCELLED",
                "OrderCancellationStarted": parts["order"] == "CANCELLED",
                "OrderCompleted": parts["order"] == "COMPLETED",
                "StockReservationFailed": parts["stock"] == "FAILED",
                "PaymentCaptured": parts["charge"] in ("CAPTURED", "REFUNDED"),
                "PaymentRefunded": parts["charge"] == "REFUNDED",
                "PaymentDeclined": parts["payment"] == "DECLINED",
            }
            for event_type, happened in facts.items():
                assert told[order_id, event_type] == happened, f"{order_id}: {event_type}"

    def check_timeline(self, order_id: str) -> None:
        """The timeline tells all of an order's events, in the order of cause."""
        answer = self.cloud.request("GET", "/orders/{order_id}/timeline", order_id=order_id)
        assert answer is not None
        entries = [
            entry
            for entry in answer[1]["events"]
            # A sweeper's undo may come at any time, after the end too.
            if not entry["correlation_id"].startswith("swp_")
        ]
        types = [entry["type"] for entry in entries]
        told = {event["event_id"] for event in self.events() if event["detail"].find(order_id) >= 0}
        assert told == {entry["event_id"] for entry in answer[1]["events"]}, order_id
        assert types[0] == "OrderPlaced", types
        for cause, effect in reference.CAUSES:
            if cause in types and effect in types:
                assert types.index(cause) < types.index(effect), (order_id, types)
        assert types[-1] in ("OrderCompleted", "OrderCancelled"), (order_id, types)

    def check_last_mails(self) -> None:
        """Every customer was told how the order ended, and nobody twice without need."""
        for order_id, status in self.statuses.items():
            told = [self.type_of(key) for key in self.mails_of[order_id]]
            last = "OrderCompleted" if status == "COMPLETED" else "OrderCancelled"
            assert last in told, f"{order_id} is {status}; its customer was told {told}"

    # How it is done

    def publish(self) -> None:
        """The bus delivers what it hasn't yet."""
        for event in self.events():
            for listener in listeners_of(event):
                if (listener, event["event_id"]) not in self.cloud.published:
                    self.deliver_event(listener, event)

    def is_payable(self, row: Row, *, of_any_worker: bool = False) -> bool:
        """Whether a payment can be given now, by the clock of every worker, or of any."""
        least = min if of_any_worker else max
        now = least(self.cloud.clock_of("order", number) for number in range(WORKERS))
        return (
            row["status"] == "AWAITING_PAYMENT"
            and row["payment_window"] is not None
            and (row["payment_token"], row["cancel_requested_at"], row["payment_expired_at"])
            == (None, None, None)
            and now < datetime.fromisoformat(row["payment_window"]["due_at"])
        )

    def seconds_left(self, row: Row) -> float:
        """Returns how long a payment can still be given, by the true clock."""
        due_at = datetime.fromisoformat(row["payment_window"]["due_at"])
        return (due_at - self.cloud.now).total_seconds()

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

    def executions(self, order_id: str) -> list[Execution]:
        """Returns an order's executions, the oldest first."""
        return [run for run in self.cloud.executions.values() if order_of(run) == order_id]

    def live_tokens(self, order_id: str) -> set[str]:
        return {run.token for run in self.executions(order_id) if run.is_running}

    def order_ids(self) -> set[str]:
        return set(self.cloud.statuses())

    def order_row(self, order_id: str) -> Row:
        return self.cloud.row("order", f"ORDER#{order_id}", "ORDER")

    def events(self) -> list[Row]:
        """Returns every event that a service has told, in each service in the order of time."""
        return [
            row
            for service in SERVICES
            for row in self.cloud.rows(service)
            if row.get("entity") == "outbox_event"
        ]

    def told(self, order_id: str) -> list[str]:
        """Returns the types of the events of one order."""
        return [event["detail_type"] for event in self.events() if order_id in event["detail"]]

    def look(self) -> dict[str, Seen]:
        rows = {service: self.cloud.rows(service) for service in SERVICES}
        return {order_id: look(order_id, rows) for order_id in self.wishes}

    def read_books(self) -> Any:
        """Reads the tables as the auditor does."""
        names = (*SERVICES, "notification")
        fields = dict.fromkeys(Stack.__dataclass_fields__, "")
        tables = {name: table_name(name) for name in names}
        return read_books(Stack(**fields | {"tables": tables}))  # type: ignore[arg-type]


def product(sku: str, units: int) -> Row:
    """Returns a product's row, as seeded."""
    return {
        "pk": "PRODUCT",
        "sk": sku,
        "name": sku,
        "description": sku,
        "currency": "USD",
        "price_cents": PRICES[sku],
        "prices": [{"since": _SEEDED_AT, "price_cents": PRICES[sku]}],
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


def current_execution(order: Row) -> str:
    """Returns the name of the one execution that may change an order."""
    order_id, redrives = order["order_id"], order["redrives"]
    return f"{order_id}-r{redrives}" if redrives else order_id


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
