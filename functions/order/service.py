"""Places an order, and decides on one that others may change at the same moment."""

from collections.abc import Callable
from datetime import datetime

from order import domain
from order.circuit import PaymentCircuit
from order.domain import Change, Order, Status
from order.execution import Sagas
from order.repository import OrderRepository
from order.requests import PlaceOrder
from shared import ids
from shared.contention import patiently
from shared.errors import Conflict, PaymentsUnavailable, ServiceBusy, StorageContention
from shared.events import Origin
from shared.logging import logger


def place(
    request: PlaceOrder,
    orders: OrderRepository,
    sagas: Sagas,
    circuit: PaymentCircuit | None,
    origin: Origin,
    at: datetime,
) -> Order:
    """Stores an order, then starts its saga; safe to repeat under an idempotency key.

    Returns the order placed, now or by an earlier request under the same key. Raises
    Conflict where the key was used for another request, PaymentsUnavailable while the circuit is
    open, and ServiceBusy where it is not known whether the order was placed.
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
        account_id=request.account_id,
    )
    key = request.own_key
    try:
        _refuse_while_open(circuit, key, orders, at)
        placed = orders.add(domain.place(order, origin), key)
        earlier = None if placed == order.order_id else orders.get(placed)
    except StorageContention as exc:
        raise _outcome_unknown(key) from exc
    if earlier is None:
        logger.append_keys(order_id=placed)
        logger.info("order placed", execution=order.execution)
        sagas.start_or_leave(order)
        return order
    if not request.asks_for(earlier):
        raise Conflict(
            "This idempotency key was used for a different order.", code="IDEMPOTENCY_KEY_REUSED"
        )
    logger.append_keys(order_id=placed)
    logger.info("order was placed before")
    return earlier


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


def _refuse_while_open(
    circuit: PaymentCircuit | None, key: str | None, orders: OrderRepository, at: datetime
) -> None:
    """Raises PaymentsUnavailable for a new order while the circuit is open."""
    retry_after = None if circuit is None else circuit.retry_after(at)
    if retry_after is None or (key is not None and orders.placed_under(key, at) is not None):
        return
    raise PaymentsUnavailable(
        f"No order was placed: payments do not work just now. Try again in {retry_after} s.",
        retry_after=retry_after,
    )


def _outcome_unknown(key: str | None) -> ServiceBusy:
    """Returns what to tell a caller whose order may have been stored although no answer came."""
    if key is not None:
        return ServiceBusy(
            "It is not known whether the order was placed. Send the same request again, with the "
            "same idempotency key: no second order is placed."
        )
    return ServiceBusy(
        "It is not known whether the order was placed; another request could place a second one. "
        "Look for the order's e-mail first. With an Idempotency-Key, a request is safe to repeat.",
        retry_after=None,
    )
