"""Builders of test data: valid as they come, changed where a test cares.

an_order().with_item("product-001", 2).paid().build()
an_order().with_item("product-001", 2).body()
"""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from order import domain
from order.domain import (
    Address,
    Change,
    Failure,
    Line,
    Order,
    Owed,
    Parked,
    Payment,
    PaymentWindow,
    Shipment,
    Status,
)
from shared.events import Origin

ORDER_ID = "ord_01JNQ4ZV8X0000000000000001"
ACCOUNT_ID = "acc_01JNQ4ZV8X0000000000000001"
TRACE_ID = "1-67c2d3e4-0123456789abcdef01234567"
CLIENT_ADDRESS = "203.0.113.7"
ORIGIN = Origin(correlation_id="cor-1", causation_id="request-1", trace_id=TRACE_ID)
PLACED_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
UNIT_PRICE_CENTS = 129_900
CURRENCY = "USD"
SHIPMENT = Shipment("Swift Parcel", "SP123456789US")
OWED = Owed(UNIT_PRICE_CENTS, CURRENCY, [{"sku": "product-001", "quantity": 1}], False)


def an_order() -> "OrderBuilder":
    """An order of a known customer, of one laptop unless it is given other items."""
    return OrderBuilder()


@dataclass(frozen=True)
class OrderBuilder:
    """An order in the making, as its HTTP request, its saga's payloads, or its row's content."""

    order_id: str = ORDER_ID
    items: tuple[tuple[str, int], ...] = ()
    status: Status = Status.PENDING
    priced: bool = False
    token: str | None = "tok_visa"
    window: PaymentWindow | None = None
    error: str | None = None
    stuck_at: str | None = None
    account_id: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)

    def with_id(self, order_id: str) -> Self:
        """Gives the order another id."""
        return replace(self, order_id=order_id)

    def with_item(self, sku: str, quantity: int) -> Self:
        """Adds a line."""
        return replace(self, items=(*self.items, (sku, quantity)))

    def with_body(self, **changes: Any) -> Self:
        """Replaces top-level fields of the HTTP request; `None` removes one."""
        return replace(self, changes={**self.changes, **changes})

    def unpaid(self) -> Self:
        """The customer gave no payment with it, and pays later."""
        return replace(self, token=None)

    def awaiting_payment(self) -> Self:
        """It waits for its customer to pay, for a quarter of an hour."""
        window = PaymentWindow("task-token-1", PLACED_AT + timedelta(minutes=15))
        return replace(self.unpaid().reserved(), status=Status.AWAITING_PAYMENT, window=window)

    def reserved(self) -> Self:
        """The stock is reserved, so the order knows its prices."""
        return replace(self, priced=True)

    def paid(self) -> Self:
        """The payment is captured."""
        return replace(self.reserved(), status=Status.PAID)

    def completed(self) -> Self:
        """The order is completed."""
        return replace(self.paid(), status=Status.COMPLETED)

    def cancelling(self, error: str = "PaymentOutcomeUnknown") -> Self:
        """The order turned back, and is being undone."""
        return replace(self, error=error)

    def parked(self, compensation: str = "RefundPayment") -> Self:
        """Its undo got stuck at a compensation."""
        return replace(self.cancelling(), stuck_at=compensation)

    def owned_by(self, account_id: str) -> Self:
        """A customer with an account placed it."""
        return replace(self, account_id=account_id)

    def cancelled(self) -> Self:
        """The order was cancelled before anything happened to it."""
        return replace(self, status=Status.CANCELLED)

    @property
    def total_cents(self) -> int:
        """What the order costs: every unit has the same price here."""
        return sum(quantity * UNIT_PRICE_CENTS for _, quantity in self._items)

    def build(self) -> Order:
        """Returns the order itself."""
        is_paid = self.status in (Status.PAID, Status.COMPLETED)
        order = Order(
            order_id=self.order_id,
            status=self.status,
            lines=self._lines if self.priced else tuple(Line(*item) for item in self._items),
            email="ada@example.com",
            shipping_address=Address("1 Main St", "Springfield", "IL", "62701", "US"),
            payment_token=self.token,
            payment_window=self.window,
            correlation_id=ORIGIN.correlation_id,
            trace_id=TRACE_ID,
            account_id=self.account_id,
            created_at=PLACED_AT,
            updated_at=PLACED_AT,
            total_cents=self.total_cents if self.priced else None,
            currency=CURRENCY if self.priced else None,
            payment=Payment("pay_1", self.total_cents, CURRENCY) if is_paid else None,
            shipment=SHIPMENT if self.status is Status.COMPLETED else None,
        )
        if self.error is None:
            return order
        order = domain.begin_cancellation(order, Failure(self.error, ""), ORIGIN, PLACED_AT).order
        if self.stuck_at is None:
            return order
        parked = Parked(self.stuck_at, "RefundUnavailable")
        return domain.flag_for_attention(order, parked, OWED, ORIGIN, PLACED_AT).order

    def body(self) -> dict[str, Any]:
        """Returns the body of `POST /orders`."""
        body = {
            "items": [{"sku": sku, "quantity": quantity} for sku, quantity in self._items],
            "email": "ada@example.com",
            "shipping_address": {
                "street": "1 Main St",
                "city": "Springfield",
                "state": "IL",
                "zip_code": "62701",
                "country": "US",
            },
            "payment": self.token and {"token": self.token},
        } | self.changes
        return {name: value for name, value in body.items() if value is not None}

    def payload(self, step: str, **own: Any) -> dict[str, Any]:
        """Returns the payload of one of the saga's steps, with the step's `own` fields."""
        task = {
            "order_id": self.order_id,
            "correlation_id": ORIGIN.correlation_id,
            "trace_id": TRACE_ID,
            "execution": self.order_id,
            "sequence": 1,
        }
        return {"step": step, "task": task, **own}

    def reservation(self) -> dict[str, Any]:
        """Returns what ReserveStock answers."""
        return {
            "lines": [
                {
                    "sku": line.sku,
                    "name": line.name,
                    "quantity": line.quantity,
                    "unit_price_cents": line.unit_price_cents,
                }
                for line in self._lines
            ],
            "total_cents": self.total_cents,
            "currency": CURRENCY,
        }

    def payment(self) -> dict[str, Any]:
        """Returns what ChargePayment answers."""
        return {
            "payment_id": "pay_1",
            "status": "CAPTURED",
            "amount_cents": self.total_cents,
            "currency": CURRENCY,
        }

    def shipment(self) -> dict[str, Any]:
        """Returns what CreateShipment answers."""
        return {
            "shipment_id": "shp_1",
            "status": "CREATED",
            "carrier": SHIPMENT.carrier,
            "tracking_number": SHIPMENT.tracking_number,
        }

    @property
    def _items(self) -> tuple[tuple[str, int], ...]:
        return self.items or (("product-001", 1),)

    @property
    def _lines(self) -> tuple[Line, ...]:
        return tuple(
            Line(sku, quantity, f"Name of {sku}", UNIT_PRICE_CENTS) for sku, quantity in self._items
        )


def undone(order: Order, error: str, at: datetime = PLACED_AT) -> Change:
    """Turns an order back because of an error, and cancels it."""
    turned = domain.begin_cancellation(order, Failure(error, ""), ORIGIN, at).order
    return domain.cancel(turned, None, ORIGIN, at)


def a_request(
    method: str,
    resource: str,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
    **path_parameters: str,
) -> dict[str, Any]:
    """Returns API Gateway's proxy event; a body that is no text is sent as JSON.

    a_request("GET", "/orders/{order_id}", order_id="ord_1")
    """
    return {
        "resource": resource,
        "path": resource.format(**path_parameters),
        "httpMethod": method,
        "headers": {"Content-Type": "application/json", **(headers or {})},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": path_parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "requestId": "request-1",
            "stage": "v1",
            "identity": {"sourceIp": CLIENT_ADDRESS},
        },
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
