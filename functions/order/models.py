"""What comes in and goes out on the wire: HTTP bodies and the payloads of the saga's tasks."""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from order import payment_window
from order.domain import (
    Address,
    Failure,
    Line,
    Order,
    Payment,
    Refund,
    Shipment,
    Status,
    merge_lines,
    owed,
)
from order.saga_input import execution_name
from shared import clock
from shared.errors import FieldError
from shared.fields import Fields
from shared.tasks import Task

MAX_LINES = 25
MAX_QUANTITY = 1000
MAX_TOKEN_LENGTH = 200
_MAX_CAUSE_LENGTH = 2000
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
# What a header can hold without being encoded.
_IDEMPOTENCY_KEY = r"[!-~]+"


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """`POST /orders`, valid, with its lines merged by SKU."""

    lines: tuple[Line, ...]
    email: str
    shipping_address: Address
    payment_token: str | None
    idempotency_key: str | None

    @classmethod
    def read(cls, body: Any, idempotency_key: str | None) -> Self:
        """Reads the body and the `Idempotency-Key`; raises ValidationFailed naming each fault.

        Without a `payment`, or without its `token`, the customer pays later.
        """
        errors: list[FieldError] = []
        fields = Fields(body, errors=errors)
        lines = [
            Line(
                sku=item.text("sku", max_length=64),
                quantity=item.integer("quantity", minimum=1, maximum=MAX_QUANTITY),
            )
            for item in fields.objects("items", maximum=MAX_LINES)
        ]
        email = fields.text(
            "email", max_length=254, pattern=_EMAIL, expected="must be an e-mail address"
        )
        address = fields.object("shipping_address")
        shipping_address = Address(
            street=address.text("street", max_length=200),
            city=address.text("city", max_length=100),
            state=address.text("state", max_length=100),
            zip_code=address.text("zip_code", max_length=20),
            country=address.text("country", max_length=60),
        )
        payment = fields.object("payment")
        payment_token = payment.optional_text("token", max_length=MAX_TOKEN_LENGTH)
        if idempotency_key is not None:
            idempotency_key = Fields({"Idempotency-Key": idempotency_key}, errors=errors).text(
                "Idempotency-Key",
                max_length=255,
                pattern=_IDEMPOTENCY_KEY,
                expected="must be printable ASCII without blanks",
            )
        fields.check()
        return cls(merge_lines(lines), email, shipping_address, payment_token, idempotency_key)

    def fingerprint(self) -> str:
        """Returns a digest that only the same request has, however its JSON was written."""
        content = {**asdict(self), "idempotency_key": None}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class GivePayment:
    """`POST /orders/{order_id}/payment`, valid."""

    token: str

    @classmethod
    def read(cls, body: Any) -> Self:
        """Reads the body; raises ValidationFailed."""
        fields = Fields(body)
        token = fields.text("token", max_length=MAX_TOKEN_LENGTH)
        fields.check()
        return cls(token)


@dataclass(frozen=True, slots=True)
class Redrive:
    """`POST /ops/orders/{order_id}/redrive`, valid: who wants it, and why."""

    operator: str
    reason: str

    @classmethod
    def read(cls, body: Any) -> Self:
        """Reads the body; raises ValidationFailed naming each fault."""
        fields = Fields(body)
        request = cls(
            operator=fields.text("operator", max_length=100),
            reason=fields.text("reason", max_length=500),
        )
        fields.check()
        return request


@dataclass(frozen=True, slots=True)
class RecordReservation:
    """Takes over the reservation's priced lines."""

    task: Task
    lines: tuple[Line, ...]
    total_cents: int
    currency: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `reservation`: `{"lines": [{sku, name, …}], "total_cents", "currency"}`."""
        reservation = fields.object("reservation")
        lines = tuple(
            Line(
                sku=line.text("sku"),
                quantity=line.integer("quantity", minimum=1),
                name=line.text("name"),
                unit_price_cents=line.integer("unit_price_cents"),
            )
            for line in reservation.objects("lines")
        )
        return cls(task, lines, reservation.integer("total_cents"), reservation.text("currency"))


@dataclass(frozen=True, slots=True)
class AwaitPayment:
    """Asks the customer to pay; `task_token` wakes the saga when that is decided."""

    task: Task
    task_token: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `task_token`, which Step Functions limits to 2048 characters."""
        return cls(task, fields.text("task_token", max_length=2048))


@dataclass(frozen=True, slots=True)
class RecordPayment:
    """Notes the captured payment."""

    task: Task
    payment: Payment

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `payment`: `{"payment_id", "amount_cents", "currency"}`."""
        payment = fields.object("payment")
        return cls(
            task,
            Payment(
                payment_id=payment.text("payment_id"),
                amount_cents=payment.integer("amount_cents"),
                currency=payment.text("currency"),
            ),
        )


@dataclass(frozen=True, slots=True)
class CompleteOrder:
    """Ends the order well; `shipment` is None in executions from before there were shipments."""

    task: Task
    shipment: Shipment | None

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `shipment`: `{"carrier", "tracking_number"}`."""
        shipment = fields.optional_object("shipment")
        if shipment is None:
            return cls(task, None)
        return cls(task, Shipment(shipment.text("carrier"), shipment.text("tracking_number")))


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ends the order after everything was undone; `error` names what went wrong first."""

    task: Task
    error: str
    refund: Refund | None

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`: `{"Error", "Cause"}` as a `Catch` leaves it, and `refund`."""
        return cls(task, fields.object("failure").text("Error"), _refund(fields))


@dataclass(frozen=True, slots=True)
class FlagForAttention:
    """Parks the order, because `compensation` got stuck with `compensation_error`."""

    task: Task
    failure: Failure
    compensation: str
    compensation_error: str
    refund: Refund | None

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`, `compensation` (a state's name), `compensation_failure` and `refund`."""
        failure = fields.object("failure")
        return cls(
            task,
            failure=Failure(failure.text("Error"), failure.excerpt("Cause", _MAX_CAUSE_LENGTH)),
            compensation=fields.text("compensation"),
            compensation_error=fields.object("compensation_failure").text("Error"),
            refund=_refund(fields),
        )


def accepted_view(order_id: str) -> dict[str, Any]:
    """Returns the answer to `POST /orders`, which a repeat gets again whatever happened since.

    The links are paths below the API's own URL.
    """
    return _accepted(order_id, Status.PENDING)


def answered_view(order: Order) -> dict[str, Any]:
    """Returns the answer to a payment or a cancellation: it is taken, and the saga acts on it."""
    return _accepted(order.order_id, order.status)


def order_view(order: Order, at: datetime) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}` at that time.

    Prices and total are null until stock is reserved, and so is `payment_due_at` whenever a payment
    can't be given.
    """
    due_at = payment_window.due_at(order, at)
    return {
        "order_id": order.order_id,
        "status": order.status,
        "status_text": asdict(order.status_text(is_payable=due_at is not None)),
        "items": [asdict(line) for line in order.lines],
        "total_cents": order.total_cents,
        "currency": order.currency,
        "reason": None if order.reason is None else asdict(order.reason),
        "payment_due_at": None if due_at is None else clock.to_iso(due_at),
        "shipment": None if order.shipment is None else asdict(order.shipment),
        "cancel_requested": order.cancel_requested_at is not None,
        "created_at": clock.to_iso(order.created_at),
        "updated_at": clock.to_iso(order.updated_at),
    }


def operators_view(order: Order) -> dict[str, Any]:
    """Returns one of `GET /ops/orders`: what is wrong with an order, and what is owed."""
    parked = order.parked if order.is_parked else None
    return {
        "order_id": order.order_id,
        "status": order.status,
        "execution": execution_name(order),
        "redrives": order.redrives,
        "cancel_requested": order.cancel_requested_at is not None,
        "parked": parked
        and {
            "failure": parked.failure.error,
            "compensation": parked.compensation,
            "error": parked.compensation_error,
            "owed": owed(order, parked.compensation),
        },
        "created_at": clock.to_iso(order.created_at),
        "updated_at": clock.to_iso(order.updated_at),
    }


def _accepted(order_id: str, status: Status) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "status": status,
        "links": {"self": f"/orders/{order_id}", "timeline": f"/orders/{order_id}/timeline"},
    }


def _refund(fields: Fields) -> Refund | None:
    """Reads `refund`: `{"amount_cents", "currency"}`; null, or of nothing, where none was due."""
    refund = fields.optional_object("refund")
    if refund is None or not (cents := refund.integer("amount_cents")):
        return None
    return Refund(cents, refund.text("currency"))
