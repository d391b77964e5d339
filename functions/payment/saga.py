"""The saga's payment steps, both idempotent by order; `service` says what they raise."""

from typing import Any

from payment import service, views, wiring
from payment.commands import ChargePayment
from shared import clock, queries
from shared.fields import Fields
from shared.money import Money
from shared.tasks import SagaSteps, Task

steps = SagaSteps()
handler = steps.handler


@steps.saga_task("ChargePayment", ChargePayment)
def charge_payment(command: ChargePayment) -> dict[str, Any]:
    """Takes the order's total, once however often it is asked; returns `views.payment_result`."""
    repository, provider = wiring.repository(), wiring.provider()
    amount = Money(command.amount_cents, command.currency)
    payment = service.charge(repository, provider, command.task, amount, command.token, clock.now())
    return views.payment_result(payment)


@steps.saga_task("RefundPayment")
def refund_payment(task: Task) -> dict[str, Any]:
    """Gives back whatever was taken for the order; returns `views.refund_result`."""
    payment = service.refund(wiring.repository(), wiring.provider(), task, clock.now())
    return views.refund_result(payment)


@steps.query("owed")
def owed(fields: Fields) -> dict[str, Any]:
    """What is left to give back for each order: see `queries.owed`."""
    return queries.owed(fields, wiring.repository(), views.owed_view)


@steps.query("circuit")
def circuit(_: Fields) -> dict[str, Any]:
    """The state of the circuit at the payment provider: `Circuit.view`."""
    return wiring.provider_circuit().view()
