"""Orders' adventures on the model's store, without chance and without a judge.

Whoever judges looks at the store afterwards: `tests/model/test_played_orders.py` knows how each
order has to end, the audit knows nothing but what is stored.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from sagashop_ops.audit import Report, audit, read_books
from sagashop_ops.client import Line, order_body
from sagashop_ops.stack import Stack
from support.model_cloud import (
    FINE,
    PAYMENT_WAIT_SECONDS,
    Cloud,
    Mishap,
    Row,
    listeners_of,
    table_name,
)
from support.model_store import OPERATOR_TOKEN, SWEEPERS, product
from support.model_walker import Execution

MOUSE, TEAPOT = "mouse", "teapot"
CARD = "tok_visa"
BOTH = (Line(MOUSE, 2), Line(TEAPOT, 1))
NO_CALL = Mishap("refused", "States.Timeout")
NO_ANSWER = Mishap("lost", "States.Timeout")
# More than any order takes; a saga that goes round in circles ends here.
_MOST_STEPS = 60
# More than any step makes to DynamoDB.
_MOST_CALLS = 10
_UNITS = {MOUSE: 6, TEAPOT: 2}
# When the audit comes: whatever is open by then is stuck.
_HOURS_LATER = timedelta(hours=2)
_WITHOUT_NOTIFICATION = ("order", "inventory", "payment", "shipping")


class Play:
    """One order's adventure, in a store of its own."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.order_id = ""
        for sku, units in _UNITS.items():
            cloud.put("inventory", product(sku, units))

    def run(self, adventure: "Adventure") -> None:
        """Plays an adventure, and delivers the events that are left.

        No sweeper comes afterwards: it would repair what a bug has left behind.
        """
        self.order_id = adventure(self)
        self.publish()

    def order(
        self, lines: Sequence[Line] = BOTH, token: str | None = CARD, country: str = "GB"
    ) -> str:
        """A customer orders; returns the order's id, empty where none was told."""
        self.cloud.advance(1)
        answer = self.cloud.request("POST", "/orders", order_body(list(lines), token, country))
        return "" if answer is None else str(answer[1].get("order_id", ""))

    def pay(self, order_id: str) -> None:
        """The customer pays for an order that waits."""
        self.cloud.request("POST", "/orders/{order_id}/payment", {"token": CARD}, order_id=order_id)

    def cancel(self, order_id: str) -> None:
        """The customer cancels."""
        self.cloud.request("POST", "/orders/{order_id}/cancel", {}, order_id=order_id)

    def redrive(self, order_id: str) -> None:
        """An operator redrives the order."""
        self.cloud.request(
            "POST",
            "/ops/orders/{order_id}/redrive",
            {"reason": "The play says so."},
            headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
            function="OrderOps",
            order_id=order_id,
        )

    def executions(self, order_id: str) -> list[Execution]:
        """Returns an order's executions, the oldest first."""
        return [
            execution
            for execution in self.cloud.executions.values()
            if execution.saga_input["task"]["order_id"] == order_id
        ]

    def drive(self, order_id: str, until: str | None = None, mishap: Mishap = FINE) -> None:
        """Takes the steps of an order's latest execution, up to a task or to the end.

        With a mishap, each step meets it once, and is then repeated. An order that waits for its
        customer stays there, unless the time is over.
        """
        for execution in self.executions(order_id)[-1:]:
            for _ in range(_MOST_STEPS):
                if not execution.is_running or execution.task == until:
                    return
                if execution.waits_for is not None:
                    if not self.cloud.time_out(execution):
                        return
                    continue
                if mishap is not FINE:
                    self.cloud.step(execution, mishap)
                if execution.is_running and execution.waits_for is None:
                    self.cloud.step(execution)

    def fail(self, order_id: str, mishap: Mishap = NO_CALL) -> None:
        """The task at which the order's execution stands fails as often as it tries."""
        for execution in self.executions(order_id)[-1:]:
            if execution.is_running and execution.waits_for is None:
                self.cloud.step(execution, mishap, for_good=True)

    def stop(self, order_id: str) -> None:
        """Somebody stops the order's execution."""
        for execution in self.executions(order_id)[-1:]:
            if execution.is_running:
                execution.abort()

    def restart(self, order_id: str) -> None:
        """The sweepers come an hour later, and the order's new execution runs to its end."""
        self.cloud.advance(3600)
        for sweeper in SWEEPERS:
            self.cloud.invoke(sweeper, {})
        self.drive(order_id)

    def deliver_again(self, order_id: str) -> None:
        """Every task that the order's executions ever sent comes once more, the last one first.

        So a late step comes after its late compensation, too.
        """
        sent = self.cloud.delivered.get(order_id, ())
        again = [task for place, task in enumerate(sent) if task not in sent[:place]]
        for delivery in reversed(again):
            self.cloud.deliver(delivery)

    def publish(self, *, again: bool = False) -> None:
        """The bus delivers what it hasn't yet, or everything."""
        events = [
            row
            for service in _WITHOUT_NOTIFICATION
            for row in self.cloud.rows(service)
            if row.get("entity") == "outbox_event"
        ]
        for event in sorted(events, key=_occurred_at):
            for listener in listeners_of(event):
                if again or (listener, event["event_id"]) not in self.cloud.published:
                    self.cloud.publish(listener, event)

    @property
    def row(self) -> Row:
        """The order's row."""
        key = (f"ORDER#{self.order_id}", "ORDER")
        return next(row for row in self.cloud.rows("order") if (row["pk"], row["sk"]) == key)

    def report(self) -> Report:
        """Returns what the audit says of the store."""
        names = (*_WITHOUT_NOTIFICATION, "notification")
        fields = dict.fromkeys(Stack.__dataclass_fields__, "")
        tables = {name: table_name(name) for name in names}
        books = read_books(Stack(**fields | {"tables": tables}))  # type: ignore[arg-type]
        return audit(books, self.cloud.now + _HOURS_LATER)


def _occurred_at(event: Row) -> tuple[str, str]:
    return event["occurred_at"], event["event_id"]


def nothing_happens(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id)
    return order_id


def everything_comes_twice(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id)
    play.publish()
    play.deliver_again(order_id)
    play.publish(again=True)
    return order_id


def everything_undone_comes_twice(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id)
    play.drive(order_id)
    play.publish()
    play.deliver_again(order_id)
    play.publish(again=True)
    return order_id


def the_card_is_declined(play: Play) -> str:
    order_id = play.order(token="tok_declined")
    play.drive(order_id)
    return order_id


def nobody_delivers_there(play: Play) -> str:
    order_id = play.order(country="XX")
    play.drive(order_id)
    return order_id


def there_is_too_little(play: Play) -> str:
    order_id = play.order([Line(MOUSE, _UNITS[MOUSE] + 1)])
    play.drive(order_id)
    return order_id


def another_customer_is_faster(play: Play) -> str:
    """The last units are sold between the look at the shelf and the reservation."""
    all_of_them = [Line(TEAPOT, _UNITS[TEAPOT])]
    order_id, faster = play.order(all_of_them), play.order(all_of_them)
    interruption = Mishap("interrupted", call=1, interruption=lambda: play.drive(faster))
    for execution in play.executions(order_id):
        play.cloud.step(execution, interruption)
    play.drive(order_id)
    return order_id


def the_customer_pays_later(play: Play) -> str:
    order_id = play.order(token=None)
    play.drive(order_id)
    play.publish()
    play.cloud.advance(PAYMENT_WAIT_SECONDS - 60)
    play.pay(order_id)
    play.drive(order_id)
    return order_id


def the_customer_never_pays(play: Play) -> str:
    order_id = play.order(token=None)
    play.drive(order_id)
    play.cloud.advance(PAYMENT_WAIT_SECONDS + 5)
    play.drive(order_id)
    play.publish()
    return order_id


def the_customer_cancels_at_the_last_moment(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.cancel(order_id)
    play.drive(order_id)
    return order_id


def the_last_answer_is_lost(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id, NO_ANSWER)
    play.drive(order_id)
    return order_id


def every_first_answer_is_lost(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, mishap=NO_ANSWER)
    return order_id


def every_worker_dies_at_its_third_call(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, mishap=Mishap("killed", call=2))
    return order_id


def the_first_steps_are_late(play: Play) -> str:
    """Everything is undone before any of it was done; the steps come when all is over."""
    order_id = play.order()
    play.fail(order_id)
    play.drive(order_id)
    play.deliver_again(order_id)
    return order_id


def the_charge_is_late(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="ChargePayment")
    play.fail(order_id)
    play.drive(order_id)
    play.deliver_again(order_id)
    return order_id


def the_parcel_is_late(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CreateShipment")
    play.fail(order_id)
    play.drive(order_id)
    play.deliver_again(order_id)
    return order_id


def the_reply_of_the_provider_is_lost(play: Play) -> str:
    order_id = play.order(token="tok_lost_reply")
    play.drive(order_id)
    return order_id


def the_refund_gets_stuck(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id)
    play.drive(order_id, until="RefundPayment")
    play.fail(order_id)
    play.drive(order_id)
    play.publish()
    play.redrive(order_id)
    play.drive(order_id)
    return order_id


def the_worker_dies_at_every_call_of_the_undo(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id)
    for task in ("CancelShipment", "RefundPayment", "ReleaseStock"):
        play.drive(order_id, until=task)
        for execution in play.executions(order_id):
            for call in range(_MOST_CALLS if execution.is_running else 0):
                play.cloud.deliver(execution.delivery(), Mishap("killed", call=call))
    play.drive(order_id)
    return order_id


def the_answer_of_the_refund_is_lost(play: Play) -> str:
    """It is parked with the money given back; the redrive must not give it back again."""
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id)
    play.drive(order_id, until="RefundPayment")
    play.fail(order_id, NO_ANSWER)
    play.drive(order_id)
    play.redrive(order_id)
    play.drive(order_id)
    return order_id


def the_saga_dies_with_its_charge_unnoted(play: Play) -> str:
    return _die_unnoted(play, "ChargePayment", "payment", "PROVIDER#")


def the_saga_dies_with_its_parcel_unnoted(play: Play) -> str:
    return _die_unnoted(play, "CreateShipment", "shipping", "CARRIER#")


def _die_unnoted(play: Play, task: str, service: str, partner: str) -> str:
    """The partner did its work, and the worker and its saga die before anybody notes that."""
    order_id = play.order()
    play.drive(order_id, until=task)
    for execution in play.executions(order_id):
        for call in range(_MOST_CALLS if execution.is_running else 0):
            play.cloud.deliver(execution.delivery(), Mishap("killed", call=call))
            if any(row["pk"].startswith(partner) for row in play.cloud.rows(service)):
                break
    play.stop(order_id)
    play.restart(order_id)
    return order_id


def the_saga_dies_in_the_middle_of_the_undo(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id)
    play.drive(order_id, until="RefundPayment")
    play.stop(order_id)
    play.restart(order_id)
    return order_id


def the_saga_dies_before_the_undo(play: Play) -> str:
    order_id = play.order()
    play.drive(order_id, until="CompleteOrder")
    play.fail(order_id)
    play.drive(order_id, until="CancelShipment")
    play.stop(order_id)
    play.restart(order_id)
    return order_id


type Adventure = Callable[[Play], str]

ADVENTURES: Mapping[str, Adventure] = {
    adventure.__name__.replace("_", " "): adventure
    for adventure in (
        nothing_happens,
        everything_comes_twice,
        everything_undone_comes_twice,
        the_card_is_declined,
        nobody_delivers_there,
        there_is_too_little,
        another_customer_is_faster,
        the_customer_pays_later,
        the_customer_never_pays,
        the_customer_cancels_at_the_last_moment,
        the_last_answer_is_lost,
        every_first_answer_is_lost,
        every_worker_dies_at_its_third_call,
        the_first_steps_are_late,
        the_charge_is_late,
        the_parcel_is_late,
        the_reply_of_the_provider_is_lost,
        the_refund_gets_stuck,
        the_answer_of_the_refund_is_lost,
        the_worker_dies_at_every_call_of_the_undo,
        the_saga_dies_with_its_charge_unnoted,
        the_saga_dies_with_its_parcel_unnoted,
        the_saga_dies_before_the_undo,
        the_saga_dies_in_the_middle_of_the_undo,
    )
}
"""Each plays an order, and returns its id."""
