"""The commands of the saga's steps, read from their payloads."""

from dataclasses import dataclass
from typing import Self

from order.domain import Failure, Line, Parked, Payment, Refund, Shipment
from shared.fields import Fields
from shared.tasks import Task

_MAX_CAUSE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class RecordReservation:
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
    """Ask the customer to pay; `task_token` wakes the saga when that is decided.

    `asked_at` orders the questions of one order: the later one has the greater text.
    """

    task: Task
    task_token: str
    asked_at: str
    wait_seconds: int

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads the fields of those names; Step Functions' tokens have up to 2048 characters."""
        return cls(
            task,
            fields.text("task_token", max_length=2048),
            fields.text("asked_at"),
            fields.integer("wait_seconds", minimum=1),
        )


@dataclass(frozen=True, slots=True)
class RecordPayment:
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
    task: Task
    shipment: Shipment

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `shipment`: `{"carrier", "tracking_number"}`."""
        shipment = fields.object("shipment")
        return cls(task, Shipment(shipment.text("carrier"), shipment.text("tracking_number")))


@dataclass(frozen=True, slots=True)
class BeginCancellation:
    """Turn the order back, because of `failure`."""

    task: Task
    failure: Failure

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`: `{"Error", "Cause"}` as a `Catch` leaves it."""
        failure = fields.object("failure")
        return cls(
            task, Failure(failure.text("Error"), failure.excerpt("Cause", _MAX_CAUSE_LENGTH))
        )


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel the order after everything was undone."""

    task: Task
    refund: Refund | None

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `refund`: `{"amount_cents", "currency"}`; null, or of 0, where none was due."""
        refund = fields.optional_object("refund")
        if refund is None or not (cents := refund.integer("amount_cents")):
            return cls(task, None)
        return cls(task, Refund(cents, refund.text("currency")))


@dataclass(frozen=True, slots=True)
class FlagForAttention:
    """Park the order, because a compensation got stuck."""

    task: Task
    parked: Parked

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `compensation`, a state's name, and `compensation_failure`: `{"Error", …}`."""
        error = fields.object("compensation_failure").text("Error")
        return cls(task, Parked(fields.text("compensation"), error))
