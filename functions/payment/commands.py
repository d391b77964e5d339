"""What the saga sends the service."""

from dataclasses import dataclass
from typing import Self

from shared.fields import Fields
from shared.tasks import Task


@dataclass(frozen=True, slots=True)
class ChargePayment:
    """Take the order's total: `{"amount_cents", "currency", "token"}`."""

    task: Task
    amount_cents: int
    currency: str
    token: str

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        return cls(
            task,
            amount_cents=fields.integer("amount_cents"),
            currency=fields.text("currency", pattern="[A-Z]{3}"),
            token=fields.text("token"),
        )
