"""Ways to drive an order of the model's store to a chosen depth; chance goes on from there.

Each places an order of its own, and returns its id.
"""

from collections.abc import Callable, Mapping

from support.model_cloud import PAYMENT_WAIT_SECONDS, Mishap
from support.model_reference import COMPENSATIONS
from support.model_store import Store, Wanted

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
    "cancelled late": cancelled_late,
    "the provider is down": partner_down("payment", "ChargePayment"),
    "the carrier is down": partner_down("shipping", "CreateShipment"),
    "not started": not_started,
    "complete": completed,
}
