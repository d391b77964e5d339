"""Places an order, and decides on one that others may change at the same moment."""

from collections.abc import Callable
from datetime import datetime

from order import domain
from order.domain import Change, Order, Placement, Status
from order.execution import Sagas
from order.repository import OrderRepository
from order.requests import PlaceOrder
from order.saga_input import execution_name
from shared import ids
from shared.contention import patiently
from shared.errors import Conflict
from shared.events import Origin
from shared.logging import logger


def place(
    request: PlaceOrder, orders: OrderRepository, sagas: Sagas, origin: Origin, at: datetime
) -> str:
    """Stores an order, then starts its saga; safe to repeat under an idempotency key.

    Returns the id of the order placed, now or by an earlier request under the same key. Raises
    Conflict where the key was used for another request, and StorageContention.
    """
    order = Order(
        order_id=ids.new_id(domain.ORDER_ID_PREFIX, at),
        status=Status.PENDING,
        lines=request.lines,
        email=request.email,
        shipping_address=request.shipping_address,
        payment_token=request.payment_token,
        correlation_id=origin.correlation_id,
        created_at=at,
        updated_at=at,
        trace_id=origin.trace_id,
    )
    placement = None
    if request.idempotency_key is not None:
        placement = Placement(request.idempotency_key, request.fingerprint(), order.order_id)
    earlier = orders.add(domain.place(order, origin), placement)
    if earlier is None:
        logger.append_keys(order_id=order.order_id)
        logger.info("order placed", execution=execution_name(order))
        sagas.start_or_leave(order)
        return order.order_id
    if earlier.fingerprint != request.fingerprint():
        raise Conflict(
            "This idempotency key was used for a different order.", code="IDEMPOTENCY_KEY_REUSED"
        )
    logger.append_keys(order_id=earlier.order_id)
    logger.info("order was placed before")
    return earlier.order_id


def change(orders: OrderRepository, order_id: str, decide: Callable[[Order], Change]) -> Order:
    """Decides on an order as it is and stores that; decides again if it changed meanwhile.

    Returns the order as it is then. What `decide` raises propagates. Raises NotFound, and
    StorageContention when others kept changing the order.
    """

    def decide_once() -> Order:
        order = orders.get(order_id)
        decision = decide(order)
        orders.save(order, decision)
        return decision.order

    return patiently(decide_once)
