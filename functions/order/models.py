"""What comes in and goes out on the wire: HTTP bodies and the payloads of the saga's tasks."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from order.domain import Address, Line, Order, Payment, Status, merge_lines
from shared import clock
from shared.errors import FieldError
from shared.fields import Fields
from shared.tasks import Task

MAX_LINES = 25
MAX_QUANTITY = 1000
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s.]+"
# What a header can hold without being encoded.
_IDEMPOTENCY_KEY = r"[!-~]+"


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """`POST /orders`, valid, with its lines merged by SKU."""

    lines: tuple[Line, ...]
    email: str
    shipping_address: Address
    payment_token: str
    idempotency_key: str | None

    @classmethod
    def read(cls, body: Any, idempotency_key: str | None) -> Self:
        """Reads the body and the `Idempotency-Key`; raises ValidationFailed naming each fault."""
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
        payment_token = fields.object("payment").text("token", max_length=200)
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
    """Ends the order well."""

    task: Task

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads nothing: the order's id says it all."""
        return cls(task)


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ends the order after everything was undone; `error` names what went wrong first."""

    task: Task
    error: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`: `{"Error", "Cause"}` as a `Catch` leaves it."""
        return cls(task, fields.object("failure").text("Error"))


@dataclass(frozen=True, slots=True)
class FlagForAttention:
    """Parks the order, because `compensation` got stuck with `compensation_error`."""

    task: Task
    error: str
    compensation: str
    compensation_error: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`, `compensation` (a state's name) and `compensation_failure`."""
        return cls(
            task,
            error=fields.object("failure").text("Error"),
            compensation=fields.text("compensation"),
            compensation_error=fields.object("compensation_failure").text("Error"),
        )


def accepted_view(order_id: str) -> dict[str, Any]:
    """Returns the answer to `POST /orders`, which a repeat gets again whatever happened since.

    The links are paths below the API's own URL.
    """
    return {
        "order_id": order_id,
        "status": Status.PENDING,
        "links": {"self": f"/orders/{order_id}", "timeline": f"/orders/{order_id}/timeline"},
    }


def order_view(order: Order) -> dict[str, Any]:
    """Returns `GET /orders/{order_id}`; prices and total are null until stock is reserved."""
    return {
        "order_id": order.order_id,
        "status": order.status,
        "items": [asdict(line) for line in order.lines],
        "total_cents": order.total_cents,
        "currency": order.currency,
        "reason": None if order.reason is None else asdict(order.reason),
        "created_at": clock.to_iso(order.created_at),
        "updated_at": clock.to_iso(order.updated_at),
    }
