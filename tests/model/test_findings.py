"""Replays of what went wrong once, each on the real handlers and the real state machine.

A review played these on an earlier release, whose orders then had lost money, parcels or reasons.
Nothing here is left to chance: see `test_interleavings` for that.
"""

from collections.abc import Iterator

import boto3
import pytest

from shared.dynamodb import to_item
from support.model_cloud import FINE, WORKERS, Mishap, Row, open_cloud
from support.model_depths import (
    Depth,
    before,
    completed,
    overtaken,
    parked_at,
    stopped_before,
    twice,
    twice_undoing,
    undoing,
    waiting,
    waiting_again,
)
from support.model_store import OPERATOR_TOKEN, Store, Wanted
from support.model_walker import Delivery
from support.saga_definition import function_of

GOOD: Wanted = ("mouse", 1, "tok_visa", "GB")
NO_ANSWER = Mishap("lost", "States.Timeout")
NO_CALL = Mishap("refused", "States.Timeout")


@pytest.fixture(scope="module", autouse=True)
def _cloud() -> Iterator[None]:
    with open_cloud() as make:
        Store.make_cloud = staticmethod(make)
        yield


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return Store()


def fail_for_good(store: Store, order_id: str, mishap: Mishap = NO_CALL) -> None:
    """The order's latest execution fails at its task as often as it tries."""
    store.step(store.executions(order_id)[-1], mishap, for_good=True)


def last_delivery(store: Store, order_id: str, task: str) -> Delivery:
    """Returns the last call of a task of the order's."""
    return [past for past in store.cloud.delivered[order_id] if past.task == task][-1]


def restart(store: Store, order_id: str) -> Row:
    """The sweeper finds the order, and its new execution runs to its end."""
    store.cloud.advance(3600)
    store.do_sweep("SweepOrders")
    return store.end(order_id)


def parts(store: Store, order_id: str) -> dict[str, str | None]:
    """Returns the statuses of what the services have of the order."""
    return dict(store.look()[order_id])


KEPT = {
    "order": "COMPLETED",
    "stock": "COMMITTED",
    "payment": "CAPTURED",
    "charge": "CAPTURED",
    "shipment": "CREATED",
    "booking": "BOOKED",
}
UNDONE = {
    "order": "CANCELLED",
    "stock": "RELEASED",
    "payment": "REFUNDED",
    "charge": "REFUNDED",
    "shipment": "CANCELLED",
    "booking": "CANCELLED",
}


# Turning back is a decision


def test_an_order_keeps_everything_when_its_table_fails_just_after_it_is_completed(
    store: Store,
) -> None:
    # Given an order whose completion is written
    order_id = before("CompleteOrder")(store)
    fail_for_good(store, order_id, NO_ANSWER)

    # When the order service's steps fail from then on
    execution = store.executions(order_id)[-1]
    while execution.is_running:
        is_down = function_of(execution.task) == "OrderSteps"
        store.step(execution, NO_CALL if is_down else FINE, for_good=is_down)

    # Then the customer has what they paid for
    assert parts(store, order_id) == KEPT
    store.check_the_end()


def test_a_completed_order_whose_answer_was_lost_is_not_undone(store: Store) -> None:
    # Given an order whose completion is written, and whose execution believes that it failed
    order_id = before("CompleteOrder")(store)
    fail_for_good(store, order_id, NO_ANSWER)

    # When the execution turns back
    execution = store.drive(order_id)

    # Then it learns that it came too late, and nothing is undone
    assert execution.path[-1] == "OrderCompleted"
    assert parts(store, order_id) == KEPT
    assert "PaymentRefunded" not in store.told(order_id)


def test_a_completed_order_keeps_its_parcel_when_its_execution_is_stopped_as_it_turns_back(
    store: Store,
) -> None:
    # Given an order whose completion is written, and whose execution believes that it failed
    order_id = before("CompleteOrder")(store)
    fail_for_good(store, order_id, NO_ANSWER)

    # When somebody stops the execution as soon as it has called off the parcel, if it does
    execution = store.executions(order_id)[-1]
    while execution.is_running and execution.task != "RefundPayment":
        store.step(execution)
    if execution.is_running:
        execution.abort()

    # Then the order still has its parcel, as its customer paid for it
    assert parts(store, order_id) == KEPT
    store.check_the_end()


@pytest.mark.parametrize("task", ["RefundPayment", "ReleaseStock", "CancelOrder"])
def test_an_execution_that_is_stopped_in_the_middle_of_an_undo_is_followed_by_the_rest_of_it(
    task: str, store: Store
) -> None:
    # Given an order whose execution was stopped after some compensations
    order_id = stopped_before(task)(store)

    # When the sweeper restarts it
    restart(store, order_id)

    # Then the rest is undone, too: no customer pays for a parcel that was called off
    assert parts(store, order_id) == UNDONE
    store.check_the_end()


def test_a_late_completion_during_the_undo_is_refused(store: Store) -> None:
    # Given an order whose money was refunded, after a CompleteOrder that came to nothing
    order_id = undoing("ReleaseStock")(store)

    # When that CompleteOrder arrives
    answer = store.deliver(last_delivery(store, order_id, "CompleteOrder"))

    # Then it is refused, and nobody is told that the order is complete
    assert answer.error == "StepAlreadyUndone"
    store.end(order_id)
    assert "OrderCompleted" not in store.told(order_id)
    assert parts(store, order_id) == UNDONE


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (("mouse", 1, "tok_declined", "GB"), "PAYMENT_DECLINED"),
        (("mouse", 1, "tok_visa", "XX"), "SHIPMENT_REJECTED"),
    ],
)
def test_a_restart_in_the_middle_of_an_undo_keeps_the_reason(
    wanted: Wanted, reason: str, store: Store
) -> None:
    # Given an order that is undone but for the last step
    order_id = before("CancelOrder", wanted)(store)

    # When its execution is stopped, and the sweeper restarts it
    store.executions(order_id)[-1].abort()
    row = restart(store, order_id)

    # Then the customer still learns why
    assert (row["status"], row["reason"]["code"]) == ("CANCELLED", reason)


# Only the current execution writes


def test_a_stale_execution_does_not_complete_what_the_current_one_undoes(store: Store) -> None:
    # Given two executions of an order, of which the second turns back
    order_id = twice("CompleteOrder")(store)
    stale, current = store.executions(order_id)
    store.drive(order_id, until="RecordPayment")
    fail_for_good(store, order_id)
    store.drive(order_id, until="RefundPayment")

    # When the first goes on to complete the order
    while stale.is_running:
        store.step(stale)
    store.drive(order_id)

    # Then it changed nothing, and ended quietly
    assert (stale.status, stale.path[-1]) == ("SUCCEEDED", "Superseded")
    assert current.path[-1] == "OrderCancelled"
    assert parts(store, order_id) == UNDONE
    assert "OrderCompleted" not in store.told(order_id)


def test_a_stale_execution_does_not_undo_what_the_current_one_completes(store: Store) -> None:
    # Given two executions of an order, of which the second completes it
    order_id = twice("CommitStock")(store)
    stale, _ = store.executions(order_id)
    store.drive(order_id, until="CompleteOrder")

    # When a step of the first fails for good, just before
    store.step(stale, NO_CALL, for_good=True)
    while stale.is_running:
        store.step(stale)
    store.drive(order_id)

    # Then nothing is undone
    assert stale.path[-1] == "Superseded"
    assert parts(store, order_id) == KEPT


def test_a_late_flag_for_attention_does_not_park_an_order_that_was_redriven(store: Store) -> None:
    # Given an order that was parked and redriven
    order_id = parked_at("RefundPayment")(store)
    store.do_redrive(order_id)
    store.drive(order_id, until="RefundPayment")
    before_it = store.order_row(order_id)

    # When the first execution's FlagForAttention comes once more
    store.deliver(last_delivery(store, order_id, "FlagForAttention"))

    # Then nothing has changed, and operators are told once
    assert store.order_row(order_id) == before_it
    assert store.told(order_id).count("OrderNeedsAttention") == 1
    assert store.end(order_id)["status"] == "CANCELLED"


def test_what_is_owed_comes_from_the_services_rows(store: Store) -> None:
    # Given an order whose refund took effect, and whose execution believes that it failed
    order_id = undoing("RefundPayment")(store)
    fail_for_good(store, order_id, NO_ANSWER)

    # When it is parked
    store.drive(order_id)

    # Then the operator reads that only the stock is owed
    answer = store.cloud.request(
        "GET",
        "/ops/orders",
        headers={"Authorization": f"Bearer {OPERATOR_TOKEN}"},
        function="OrderOps",
    )
    assert answer is not None
    (listed,) = answer[1]["orders"]
    assert listed["parked"]["owed"] | {"unanswered": []} == {
        "refund_cents": 0,
        "currency": "USD",
        "stock_held": [{"sku": "mouse", "quantity": 1}],
        "shipment_booked": False,
        "unanswered": [],
    }


# Smaller holes


def test_an_order_whose_storing_went_unanswered_is_accepted(store: Store) -> None:
    # When DynamoDB's answer to the order's transaction, which follows two counters, is lost, and no
    # key came with the request
    answer = store.place(GOOD, Mishap("unanswered", call=2))

    # Then the row under the fresh id is known to be our own
    assert answer is not None
    assert answer[0] == 202
    assert store.order_ids() == {answer[1]["order_id"]}


def test_a_customer_within_the_promised_time_is_never_refused(store: Store) -> None:
    # Given an order whose AwaitPayment began its work a second late
    order_id = store.begin(("mouse", 1, None, "GB"))
    execution = store.drive(order_id, until="AwaitPayment")
    store.cloud.advance(1)
    store.step(execution)

    # When the engine looks at its timer shortly before the order's time to pay is over
    store.cloud.advance(store.seconds_left(store.order_row(order_id)) - 0.5)
    store.step(execution)
    if execution.waits_for is None:
        store.step(execution)

    # Then the customer can still pay
    assert store.do_pay(order_id, "tok_visa") == 202
    assert store.end(order_id)["status"] == "COMPLETED"


def test_nobody_is_asked_to_pay_after_the_window_has_closed(store: Store) -> None:
    # Given an order that expired before its mail was sent
    order_id = waiting(-3)(store)
    execution = store.executions(order_id)[-1]
    store.step(execution)
    store.end(order_id)

    # When the events come in
    store.publish()

    # Then the customer learns of the cancellation alone
    told = [mail.event_type for mail in store.cloud.mails]
    assert "PaymentRequested" not in told
    assert told[-1] == "OrderCancelled"


def test_no_older_news_follows_that_an_order_is_complete(store: Store) -> None:
    # Given an order whose completion was mailed first
    completed(store)
    events = {event["detail_type"]: event for event in store.events()}
    store.deliver_event("SendNotification", events["OrderCompleted"])

    # When the event of its placement comes at last
    store.deliver_event("SendNotification", events["OrderPlaced"])

    # Then it is no news any more
    assert [mail.event_type for mail in store.cloud.mails] == ["OrderCompleted"]


def test_a_late_first_await_payment_does_not_replace_the_live_task_token(store: Store) -> None:
    # Given an order that waits under its second task token
    order_id = waiting_again(store)
    first, second = (
        past for past in store.cloud.delivered[order_id] if past.task == "AwaitPayment"
    )

    # When the first call comes late
    store.deliver(first)

    # Then the customer's payment still wakes the saga
    window = store.order_row(order_id)["payment_window"]
    assert window["task_token"] == second.payload["task_token"]
    assert store.do_pay(order_id, "tok_visa") == 202
    assert store.end(order_id)["status"] == "COMPLETED"


def test_a_retry_with_another_card_is_the_same_order(store: Store) -> None:
    # Given an order that was placed under a key
    first = store.place(GOOD, key="key-1")

    # When the customer tries again with another card
    again = store.place(("mouse", 1, "tok_flaky", "GB"), key="key-1")

    # Then it is the same order
    assert again == first


def test_the_timeline_is_in_the_order_of_cause_whatever_the_clocks_say(store: Store) -> None:
    # Given services whose clocks are minutes apart
    for worker in range(WORKERS):
        store.cloud.offsets |= {("payment", worker): -180, ("inventory", worker): 120}

    # When an order is undone
    order_id = undoing("CancelShipment")(store)
    store.end(order_id)
    store.publish()

    # Then what caused something is told before it
    store.check_timeline(order_id)


@pytest.mark.parametrize(
    "depth",
    [
        overtaken(twice("CreateShipment"), "CommitStock"),
        overtaken(twice_undoing("CancelShipment"), "RefundPayment"),
    ],
)
def test_the_timeline_is_in_the_order_of_cause_where_two_executions_overlap(
    depth: Depth, store: Store
) -> None:
    # Given an order of which a superseded execution did a part, after the current one
    order_id = depth(store)

    # When the order ends
    store.end(order_id)
    store.publish()

    # Then what caused something is told before it
    store.check_timeline(order_id)


def test_an_order_that_is_unknown_is_not_refunded(store: Store) -> None:
    # Given a store whose order table was restored from before an order
    order_id = completed(store)
    store.publish()
    key = to_item({"pk": f"ORDER#{order_id}", "sk": "ORDER"})
    boto3.client("dynamodb").delete_item(TableName="model-order", Key=key)

    # When the sweepers come by
    store.cloud.advance(3 * 3600)
    reports = [
        store.cloud.sweep(sweeper) for sweeper in ("SweepPayments", "SweepStock", "SweepShipments")
    ]

    # Then they leave it to a person
    assert parts(store, order_id) == KEPT | {"order": None}
    assert [[left["order_id"] for left in report["left"]] for report in reports if report] == [
        [order_id]
    ] * 3


def test_one_unreadable_row_does_not_stop_a_sweep(store: Store) -> None:
    # Given an order whose execution was lost, and a row that nobody can read
    order_id = before("ChargePayment")(store)
    store.executions(order_id)[-1].abort()
    row = store.order_row(order_id)
    unreadable = {"pk": "ORDER#ord_0", "order_id": "ord_0", "status": "LOST"}
    boto3.client("dynamodb").put_item(
        TableName="model-order",
        Item=to_item({**row, **unreadable, "updated_at": "2026-01-01T00:00:00.000Z"}),
    )

    # When the sweeper comes by
    store.cloud.advance(3600)
    report = store.cloud.sweep("SweepOrders")

    # Then it repairs the order
    assert report is not None
    assert [repaired["order_id"] for repaired in report["repaired"]] == [order_id]
