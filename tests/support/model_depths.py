"""Ways to drive an order of the model's store to a chosen depth; chance goes on from there.

Each places an order of its own, and returns its id.
"""

from collections.abc import Callable, Mapping

from support.model_cloud import FINE, PAYMENT_WAIT_SECONDS, WORKERS, Mishap, listeners_of
from support.model_reference import COMPENSATIONS
from support.model_store import SWEEPERS, Store, Wanted

_GOOD: Wanted = ("mouse", 1, "tok_visa", "GB")
_UNPAID: Wanted = ("mouse", 1, None, "GB")
_REJECTED: Wanted = ("mouse", 1, "tok_visa", "XX")
_GONE = Mishap("refused", "States.Timeout")
_UNANSWERED = Mishap("lost", "States.Timeout")

type Depth = Callable[[Store], str]


def before(task: str, wanted: Wanted = _GOOD) -> Depth:
    """The order's execution stands at a task of the way forward."""

    def reach(store: Store) -> str:
        order_id = store.begin(wanted)
        store.drive(order_id, until=task)
        return order_id

    return reach


def undoing(task: str) -> Depth:
    """The order has shipped and turned back, and its execution stands at a compensation."""

    def reach(store: Store) -> str:
        order_id = before("CompleteOrder")(store)
        store.step(store.executions(order_id)[-1], _GONE, for_good=True)
        store.drive(order_id, until=task)
        return order_id

    return reach


def parked_at(compensation: str) -> Depth:
    """The order is parked, because a compensation kept failing."""

    def reach(store: Store) -> str:
        order_id = undoing(compensation)(store)
        store.step(store.executions(order_id)[-1], _GONE, for_good=True)
        store.drive(order_id)
        return order_id

    return reach


def stopped_before(task: str) -> Depth:
    """Somebody stopped the execution in the middle of the undo."""

    def reach(store: Store) -> str:
        order_id = undoing(task)(store)
        execution = store.executions(order_id)[-1]
        store.trouble(execution)
        execution.abort()
        return order_id

    return reach


def redriven_before(task: str) -> Depth:
    """An operator has redriven an order whose execution was stopped in the middle of the undo."""

    def reach(store: Store) -> str:
        order_id = stopped_before(task)(store)
        store.do_redrive(order_id)
        return order_id

    return reach


def completed_unanswered(store: Store) -> str:
    """CompleteOrder has committed, and its execution believes that it failed."""
    order_id = before("CompleteOrder")(store)
    store.step(store.executions(order_id)[-1], _UNANSWERED, for_good=True)
    return order_id


def rejected_before_undo(store: Store) -> str:
    """The carrier said no; the turn is written, and nothing is undone yet."""
    return before("RefundPayment", _REJECTED)(store)


def redriven_twice_parked(store: Store) -> str:
    """An order was parked, redriven, and parked again."""
    order_id = parked_at("RefundPayment")(store)
    store.do_redrive(order_id)
    store.drive(order_id, until="RefundPayment")
    store.step(store.executions(order_id)[-1], _GONE, for_good=True)
    store.drive(order_id)
    return order_id


def flag_unanswered(store: Store) -> str:
    """An order was parked without its execution's knowing; an operator redrove it."""
    order_id = undoing("ReleaseStock")(store)
    execution = store.executions(order_id)[-1]
    store.step(execution, _GONE, for_good=True)
    store.step(execution, _UNANSWERED, for_good=True)
    store.do_redrive(order_id)
    return order_id


def waiting(seconds_left: int) -> Depth:
    """The order waits for its customer, who has so many seconds left."""

    def reach(store: Store) -> str:
        order_id = store.begin(_UNPAID)
        store.drive(order_id)
        store.cloud.advance(PAYMENT_WAIT_SECONDS - seconds_left)
        return order_id

    return reach


def waiting_again(store: Store) -> str:
    """The order waits under a second task token, as the answer of the first was lost."""
    order_id = store.begin(_UNPAID)
    execution = store.drive(order_id, until="AwaitPayment")
    store.step(execution, Mishap("lost", "Lambda.Unknown"))
    store.drive(order_id)
    return order_id


def paid_while_waiting(store: Store) -> str:
    """The customer has paid, and the execution that was woken has not gone on yet."""
    order_id = waiting(60)(store)
    store.do_pay(order_id, "tok_visa")
    return order_id


def twice(task: str, wanted: Wanted = _GOOD) -> Depth:
    """Two executions of the order run: the first stands at a task, the second at its beginning.

    The engine's answer lagged behind, so an operator was allowed to redrive it.
    """

    def reach(store: Store) -> str:
        order_id = before(task, wanted)(store)
        store.cloud.advance(60)
        store.do_redrive(order_id, Mishap("lagging"))
        return order_id

    return reach


def twice_undoing(task: str) -> Depth:
    """As `twice`, of an order that is being undone."""

    def reach(store: Store) -> str:
        order_id = undoing(task)(store)
        store.cloud.advance(60)
        store.do_redrive(order_id, Mishap("lagging"))
        return order_id

    return reach


def overtaken(depth: Depth, until: str) -> Depth:
    """Of two executions, the current one goes ahead to a task; the stale one follows to its end."""

    def reach(store: Store) -> str:
        order_id = depth(store)
        stale, _ = store.executions(order_id)
        store.drive(order_id, until)
        while stale.is_running:
            store.step(stale)
        return order_id

    return reach


def cancelled_late(store: Store) -> str:
    """The customer cancels an order that has shipped, just before it is complete."""
    order_id = before("CompleteOrder")(store)
    store.do_cancel(order_id)
    return order_id


def partner_down(partner: str, task: str) -> Depth:
    """A partner has failed so often that its circuit is open, and the order's step meets it."""

    def reach(store: Store) -> str:
        order_id = before(task)(store)
        store.cloud.down.add(partner)
        execution = store.executions(order_id)[-1]
        for _ in range(6):
            store.step(execution)
        return order_id

    return reach


def closing_early(store: Store) -> str:
    """The engine's timer has run out, and the worker that closes the window has a slow clock."""
    order_id = waiting(-3)(store)
    for worker in range(WORKERS):
        store.cloud.offsets["order", worker] = -30
    execution = store.executions(order_id)[-1]
    store.step(execution)
    store.step(execution)
    return order_id


def cancelled_past_its_end(store: Store) -> str:
    """The time to pay is over, nobody has noticed it yet, and the customer cancels."""
    order_id = waiting(-1)(store)
    store.do_cancel(order_id)
    return order_id


def paid_past_its_end(store: Store) -> str:
    """The time to pay is over, nobody has noticed it yet, and the customer pays in vain."""
    order_id = waiting(-1)(store)
    store.do_pay(order_id, "tok_visa")
    return order_id


def paid_after_cancelling(store: Store) -> str:
    """The customer cancels, and then pays in vain."""
    order_id = waiting(60)(store)
    store.do_cancel(order_id)
    store.do_pay(order_id, "tok_visa")
    return order_id


def cancelled_after_paying(store: Store) -> str:
    """The customer pays, and cancels before the saga has gone on."""
    order_id = paid_while_waiting(store)
    store.do_cancel(order_id)
    return order_id


def lost_while_waiting(store: Store) -> str:
    """The execution of an order that waits for its customer fails for good."""
    order_id = store.begin(_UNPAID)
    execution = store.drive(order_id, until="AwaitPayment")
    store.step(execution, _UNANSWERED, for_good=True)
    store.step(execution)
    return order_id


def charged_by_a_stale_execution(store: Store) -> str:
    """A superseded execution charges an order that the current one has cancelled."""
    order_id = paid_while_waiting(store)
    store.drive(order_id, until="ChargePayment")
    stale = store.executions(order_id)[-1]
    store.cloud.advance(60)
    store.do_redrive(order_id, Mishap("lagging"))
    store.do_cancel(order_id)
    store.drive(order_id)
    while stale.is_running:
        store.step(stale)
    return order_id


def late(task: str, depth: Depth) -> Depth:
    """The first delivery of a task comes once more, later than it should."""

    def reach(store: Store) -> str:
        order_id = depth(store)
        past = store.cloud.delivered[order_id]
        store.deliver(next(delivery for delivery in past if delivery.task == task))
        return order_id

    return reach


def late_everything(depth: Depth) -> Depth:
    """Everything that the order's tasks were ever sent comes once more."""

    def reach(store: Store) -> str:
        order_id = depth(store)
        for delivery in tuple(store.cloud.delivered[order_id]):
            store.deliver(delivery)
        return order_id

    return reach


def undone(store: Store) -> str:
    """The order is cancelled, after everything was done and undone."""
    order_id = undoing("CancelOrder")(store)
    store.drive(order_id)
    return order_id


def redriven(depth: Depth, mishap: Mishap = FINE) -> Depth:
    """An operator has asked for a redrive."""

    def reach(store: Store) -> str:
        order_id = depth(store)
        store.do_redrive(order_id, mishap)
        return order_id

    return reach


def swept(depth: Depth, mishap: Mishap = FINE) -> Depth:
    """The order stood still for an hour, and the sweepers came by."""

    def reach(store: Store) -> str:
        order_id = depth(store)
        store.cloud.advance(3600)
        for sweeper in SWEEPERS:
            store.do_sweep(sweeper, 300, mishap)
        return order_id

    return reach


def swept_while_redriven(store: Store) -> str:
    """The sweeper comes by between two calls of an operator's redrive."""
    order_id = stopped_before("ReleaseStock")(store)
    store.cloud.advance(3600)
    store.do_redrive(order_id, store.interrupted(order_id, 1, ("sweep", "SweepOrders")))
    return order_id


def redriven_while_swept(store: Store) -> str:
    """An operator redrives an order between two calls of the sweeper."""
    order_id = stopped_before("ReleaseStock")(store)
    store.cloud.advance(3600)
    mishap = store.interrupted(order_id, 3, ("redrive", None))
    store.do_sweep("SweepOrders", 300, mishap)
    return order_id


def throttled(store: Store) -> str:
    """The function of a step is throttled as often as its other errors would be forgiven."""
    order_id = before("ChargePayment")(store)
    for _ in range(8):
        store.step(
            store.executions(order_id)[-1], Mishap("refused", "Lambda.TooManyRequestsException")
        )
    return order_id


def not_mailed(store: Store) -> str:
    """The first delivery of an order's mail fails, that of the second goes unanswered."""
    order_id = store.begin(_GOOD)
    for event in store.events():
        for mishap in (Mishap("not mailed"), Mishap("mailed unanswered")):
            if "SendNotification" in listeners_of(event):
                store.deliver_event("SendNotification", event, mishap)
    return order_id


def mailed_in_the_wrong_order(store: Store) -> str:
    """The customer learned that the order is complete before anything else."""
    order_id = completed(store)
    own = [event for event in store.events() if order_id in event["detail"]]
    for event in sorted(own, key=lambda event: event["detail_type"]):
        if "SendNotification" in listeners_of(event):
            store.deliver_event("SendNotification", event)
    return order_id


def placed_twice(store: Store) -> str:
    """A request came twice under its key, and the key came once with another order."""
    key = f"twice-{len(store.keys)}"
    sku, quantity, _, country = _GOOD
    store.place(_GOOD, key=key)
    answer = store.place((sku, quantity, "tok_flaky", country), key=key)
    store.place((sku, quantity + 1, "tok_visa", country), key=key)
    assert answer is not None
    order_id: str = answer[1]["order_id"]
    return order_id


def started_unanswered(store: Store) -> str:
    """The execution was started, and nobody knows."""
    answer = store.place(_GOOD, Mishap("started unanswered"))
    assert answer is not None
    order_id: str = answer[1]["order_id"]
    return order_id


def not_started(store: Store) -> str:
    """The order is stored, and its execution was never started."""
    answer = store.place(_GOOD, Mishap("not started"))
    assert answer is not None
    order_id: str = answer[1]["order_id"]
    return order_id


def completed(store: Store) -> str:
    """The order is complete."""
    order_id = store.begin(_GOOD)
    store.drive(order_id)
    return order_id


def cancelled_too_late(store: Store) -> str:
    """The customer cancels an order that is complete."""
    order_id = completed(store)
    store.do_cancel(order_id)
    return order_id


DEPTHS: Mapping[str, Depth] = {
    "before CompleteOrder": before("CompleteOrder"),
    "CompleteOrder unanswered": completed_unanswered,
    **{f"undoing before {task}": undoing(task) for task in ("BeginCancellation", *COMPENSATIONS)},
    **{f"parked at {task}": parked_at(task) for task in COMPENSATIONS},
    **{f"stopped before {task}": stopped_before(task) for task in COMPENSATIONS[1:]},
    **{f"redriven before {task}": redriven_before(task) for task in COMPENSATIONS[1:]},
    "rejected, before any undo": rejected_before_undo,
    "parked, redriven, parked again": redriven_twice_parked,
    "redriven, after an unanswered FlagForAttention": flag_unanswered,
    "waiting": waiting(PAYMENT_WAIT_SECONDS),
    "waiting, near its end": waiting(1),
    "waiting, past its end": waiting(-1),
    "waiting again": waiting_again,
    "paid while waiting": paid_while_waiting,
    "two executions, one before ChargePayment": twice("ChargePayment"),
    "two executions, one before CompleteOrder": twice("CompleteOrder"),
    "two executions, one before RefundPayment": twice_undoing("RefundPayment"),
    "two executions, one before CancelOrder": twice_undoing("CancelOrder"),
    "overtaken on the way forward": overtaken(twice("CreateShipment"), "CommitStock"),
    "overtaken in the undo": overtaken(twice_undoing("CancelShipment"), "RefundPayment"),
    "cancelled late": cancelled_late,
    "the provider is down": partner_down("payment", "ChargePayment"),
    "the carrier is down": partner_down("shipping", "CreateShipment"),
    "not started": not_started,
    "started unanswered": started_unanswered,
    "placed twice": placed_twice,
    "complete": completed,
    "cancelled too late": cancelled_too_late,
    "window closed early": closing_early,
    "cancelled past its end": cancelled_past_its_end,
    "paid past its end": paid_past_its_end,
    "paid after cancelling": paid_after_cancelling,
    "cancelled after paying": cancelled_after_paying,
    "lost while waiting": lost_while_waiting,
    "charged by a stale execution": charged_by_a_stale_execution,
    "late first AwaitPayment": late("AwaitPayment", waiting_again),
    "late FlagForAttention": late("FlagForAttention", redriven(parked_at("RefundPayment"))),
    "late CompleteOrder": late("CompleteOrder", undoing("ReleaseStock")),
    "everything late, before the undo": late_everything(undoing("CancelShipment")),
    "everything late, in the undo": late_everything(redriven_before("ReleaseStock")),
    "everything late, after the undo": late_everything(undone),
    "everything late, after the end": late_everything(completed),
    "late CancelOrder": late("CancelOrder", parked_at("CancelOrder")),
    "redriven, and told to run": redriven(stopped_before("RefundPayment"), Mishap("lagging")),
    "redriven while it runs": redriven(before("ChargePayment")),
    "swept in the middle of an undo": swept(stopped_before("RefundPayment")),
    "swept in vain": swept(stopped_before("RefundPayment"), Mishap("killed", call=1)),
    "swept while redriven": swept_while_redriven,
    "redriven while swept": redriven_while_swept,
    "throttled": throttled,
    "not mailed": not_mailed,
    "mailed in the wrong order": mailed_in_the_wrong_order,
}
QUICK_DEPTHS = (
    "charged by a stale execution",
    "late FlagForAttention",
    "CompleteOrder unanswered",
    "swept while redriven",
    "placed twice",
    "paid after cancelling",
    "everything late, in the undo",
    "late CancelOrder",
    "parked at CancelShipment",
    "parked at ReleaseStock",
    "paid while waiting",
    "cancelled late",
    "the provider is down",
    "not started",
    "started unanswered",
    "cancelled too late",
    "window closed early",
    "paid past its end",
    "late first AwaitPayment",
    "redriven, and told to run",
    "swept in vain",
    "redriven while swept",
    "throttled",
    "not mailed",
    "mailed in the wrong order",
)
"""Depths that reach nearly everything on the list of goals between them."""
