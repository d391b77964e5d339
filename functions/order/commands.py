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
    """Ask the customer to pay; `task_token` wakes the saga when that is decided."""

    task: Task
    task_token: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `task_token`, which Step Functions limits to 2048 characters."""
        return cls(task, fields.text("task_token", max_length=2048))


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
class CancelOrder:
    """Cancel the order after everything was undone; `error` names the first failure."""

    task: Task
    error: str
    refund: Refund | None

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`: `{"Error", "Cause"}` as a `Catch` leaves it, and `refund`."""
        return cls(task, fields.object("failure").text("Error"), _refund(fields))


@dataclass(frozen=True, slots=True)
class FlagForAttention:
    """Park the order, because a compensation got stuck."""

    task: Task
    parked: Parked

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads `failure`, `compensation` (a state's name), `compensation_failure` and `refund`."""
        failure = fields.object("failure")
        parked = Parked(
            failure=Failure(failure.text("Error"), failure.excerpt("Cause", _MAX_CAUSE_LENGTH)),
            compensation=fields.text("compensation"),
            compensation_error=fields.object("compensation_failure").text("Error"),
            refund=_refund(fields),
        )
        return cls(task, parked)


def _refund(fields: Fields) -> Refund | None:
    """Reads `refund`: `{"amount_cents", "currency"}`; null, or of nothing, where none was due."""
    refund = fields.optional_object("refund")
    if refund is None or not (cents := refund.integer("amount_cents")):
        return None
    return Refund(cents, refund.text("currency"))
