"""Places an order, and decides on one that others may change at the same moment."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from order import domain
from order.circuit import PaymentCircuit
from order.domain import Change, Order, Status
from order.execution import Sagas
from order.limits import Caps, Limits, halves
from order.repository import CapReached, OrderRepository
from order.requests import PlaceOrder
from shared import ids
from shared.contention import patiently
from shared.errors import (
    Conflict,
    PaymentsUnavailable,
    ServiceBusy,
    StorageContention,
    TooManyUnpaidOrders,
)
from shared.events import Origin
from shared.limits import Limit, Limiter
from shared.logging import logger


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where customers order."""

    orders: OrderRepository
    sagas: Sagas
    circuit: PaymentCircuit | None
    limiter: Limiter
    limits: Limits

    def place(
        self, request: PlaceOrder, client_address: str, origin: Origin, at: datetime
    ) -> Order:
        """Stores an order, then starts its saga; safe to repeat under an idempotency key.

        Returns the order placed, now or by an earlier request under the same key. Raises
        TooManyRequests, TooManyUnpaidOrders, ValidationFailed for an order that is too large to
        wait for its payment, Conflict where the key was used for another request,
        PaymentsUnavailable while the circuit is open, and ServiceBusy where it is not known whether
        the order was placed.
        """
        key = request.own_key
        caps = self.limits.caps_of(request, client_address)
        order = _order_of(request, origin, at)
        try:
            self._count(self.limits.orders_per_address, client_address, at)
            self._count(self.limits.orders_per_caller, request.caller, at)
            _refuse_while_open(self.circuit, key, self.orders, at)
            placed = self._add(order, caps, key, origin, at)
        except StorageContention as exc:
            raise _outcome_unknown(key) from exc
        if placed.order_id == order.order_id:
            logger.append_keys(order_id=placed.order_id)
            logger.info("order placed", execution=placed.execution)
            self.sagas.start_or_leave(placed)
            return placed
        if not request.asks_for(placed):
            raise Conflict(
                "This idempotency key was used for a different order.",
                code="IDEMPOTENCY_KEY_REUSED",
            )
        logger.append_keys(order_id=placed.order_id)
        logger.info("order was placed before")
        return placed

    def _count(self, limit: Limit, caller: str, at: datetime) -> None:
        """Counts the request; where that is not possible, it passes. Raises TooManyRequests."""
        try:
            self.limiter.count(limit, caller, at)
        except StorageContention:
            logger.warning("request not counted", limit=limit.what, exc_info=True)

    def _add(
        self, order: Order, caps: Caps, key: str | None, origin: Origin, at: datetime
    ) -> Order:
        """Stores an order, with less time to pay where its caller has many unpaid ones.

        Returns the one that was placed under the key before, if any.
        """
        hurried = replace(order, payment_wait_seconds=self.limits.short_payment_wait_seconds)
        for candidate, allowed in ((order, halves(caps)), (hurried, caps)):
            try:
                placed = self.orders.add(domain.place(candidate, origin), key, allowed)
            except CapReached:
                continue
            return candidate if placed == order.order_id else self.orders.get(placed)
        earlier = None if key is None else self.orders.placed_under(key, at)
        if earlier is not None:
            return self.orders.get(earlier)
        logger.warning("limit reached", limit="unpaid orders")
        raise TooManyUnpaidOrders(retry_after=self.limits.payment_wait_seconds)


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


def _order_of(request: PlaceOrder, origin: Origin, at: datetime) -> Order:
    """Returns the new order that is asked for."""
    return Order(
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
