"""What the model must reach before its clean-up: the list, and how often each was reached.

A goal that no game reaches is one that the model proves nothing about. So the run fails when one is
missing: see `support.model_coverage`, which prints the counts, too.
"""

from collections import Counter

from support.model_reference import COMPENSATIONS, TRANSITIONS

_STATUSES = (
    "PENDING",
    "AWAITING_PAYMENT",
    "PAID",
    "COMPLETED",
    "CANCELLING",
    "CANCELLED",
    "NEEDS_ATTENTION",
)
GOALS: tuple[str, ...] = (
    *_STATUSES,
    *sorted(f"{before} -> {after}" for before, after in TRANSITIONS if before is not None),
    *(f"{compensation} undoes" for compensation in COMPENSATIONS),
    *(f"parked at {compensation}" for compensation in COMPENSATIONS),
    # Turning back
    "CompleteOrder takes effect, and its answer is lost",
    "BeginCancellation loses to CompleteOrder",
    "CompleteOrder loses to BeginCancellation",
    "a step comes after the turn",
    "a redrive during an undo",
    "SweepOrders restarts an undo",
    "a parked order is redriven",
    # Fencing
    "two executions of one order run",
    "a superseded execution's write is refused",
    "a superseded execution ends quietly",
    "a late FlagForAttention changes nothing",
    "a redrive is refused: the saga runs",
    "a redrive comes between two calls",
    "a sweep comes between two calls",
    "SweepOrders restarts an order",
    # The payment window
    "pay wins",
    "cancel wins",
    "cancel wins over pay",
    "cancel wins over expiry",
    "cancel comes after pay",
    "expiry wins over pay",
    "pay comes in the last minute",
    "a paid order is cancelled",
    "complete wins over cancel",
    "a late first AwaitPayment comes while a later one waits",
    "the payment window is closed too early, and stays open",
    # Trouble
    "a step is throttled",
    "a step finds its partner's circuit open",
    "StartExecution fails",
    "StartExecution fails after its effect",
    "DescribeExecution does not know a running execution",
    "DescribeExecution tells an ended execution to run",
    "the engine loses its executions",
    "the clocks disagree",
    # Customers, mail
    "POST /orders is repeated under its key",
    "an idempotency key comes with another order",
    "an event's mail is skipped",
    "a delivery of an event fails",
    "a sweep fails",
)
REACHED: Counter[str] = Counter()
"""How often each was reached, by every game of this run so far."""


def missing() -> list[str]:
    """Returns what no game has reached yet."""
    return [goal for goal in GOALS if not REACHED[goal]]


def table() -> list[str]:
    """Returns a line for each goal, with how often it was reached."""
    return [
        *(f"{REACHED[goal]:>7}  {goal}" for goal in GOALS),
        f"{len(GOALS) - len(missing())} of {len(GOALS)} reached",
    ]
