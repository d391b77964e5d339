"""The saga's inventory steps, all idempotent by order."""

from typing import Any

from inventory import models, service
from inventory.models import ReserveStock
from inventory.repository import StockTable
from inventory.settings import SETTINGS
from shared import clock, dynamodb
from shared.tasks import SagaSteps, Task

repository = StockTable(dynamodb.client(), SETTINGS.table_name)
steps = SagaSteps()
handler = steps.handler


@steps.saga_task("ReserveStock", ReserveStock)
def reserve_stock(command: ReserveStock) -> dict[str, Any]:
    """Sets all the order's units aside, or none; returns what they cost.

    Returns `models.reservation_result`. Raises OutOfStock, UnknownProduct, StepAlreadyUndone,
    StockContention, StorageContention.
    """
    reservation = service.reserve(repository, command.task, command.lines, clock.now())
    return models.reservation_result(reservation)


@steps.saga_task("ReleaseStock")
def release_stock(task: Task) -> dict[str, Any]:
    """Puts the order's units back on the shelf, reserved or sold.

    Raises StockContention, StorageContention.
    """
    service.release(repository, task, clock.now())
    return {}


@steps.saga_task("CommitStock")
def commit_stock(task: Task) -> dict[str, Any]:
    """Turns the order's reserved units into sold ones.

    Raises StepAlreadyUndone, StockContention, StorageContention.
    """
    service.commit(repository, task, clock.now())
    return {}
