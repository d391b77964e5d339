"""The saga's inventory steps, all idempotent by order; `service` says what they raise.

Orders of one hot product collide. A step tries again by itself, within a second, before the state
machine waits for longer.
"""

from typing import Any

from inventory import service, views, wiring
from inventory.commands import ReserveStock
from shared import clock, queries
from shared.contention import patiently
from shared.fields import Fields
from shared.tasks import SagaSteps, Task

steps = SagaSteps()
handler = steps.handler


@steps.saga_task("ReserveStock", ReserveStock)
def reserve_stock(command: ReserveStock) -> dict[str, Any]:
    """Sets all the order's units aside, or none; returns `views.reservation_result`."""
    stock = wiring.repository()
    reservation = patiently(
        lambda: service.reserve(stock, command.task, command.lines, clock.now())
    )
    return views.reservation_result(reservation)


@steps.saga_task("ReleaseStock")
def release_stock(task: Task) -> dict[str, Any]:
    """Puts the order's units back on the shelf, reserved or sold."""
    patiently(lambda: service.release(wiring.repository(), task, clock.now()))
    return {}


@steps.saga_task("CommitStock")
def commit_stock(task: Task) -> dict[str, Any]:
    """Turns the order's reserved units into sold ones."""
    patiently(lambda: service.commit(wiring.repository(), task, clock.now()))
    return {}


@steps.query("owed")
def owed(fields: Fields) -> dict[str, Any]:
    """Which units each order still holds: see `queries.owed`."""
    return queries.owed(fields, wiring.repository(), views.owed_view)
