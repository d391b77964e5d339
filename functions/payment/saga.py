"""The saga's payment steps, both idempotent by order."""

from typing import Any

from payment import models, service
from payment.models import ChargePayment
from payment.repository import PaymentTable
from payment.settings import SETTINGS
from payment.simulated_provider import SimulatedProvider
from shared import chaos, clock, dynamodb
from shared.tasks import SagaSteps, Task

repository = PaymentTable(dynamodb.client(), SETTINGS.table_name)
# The one line to change for a real provider.
provider = SimulatedProvider(
    dynamodb.client(),
    SETTINGS.table_name,
    reply_timeout_seconds=SETTINGS.payment_reply_timeout_seconds,
    read_chaos=chaos.read,
)
steps = SagaSteps()
handler = steps.handler


@steps.saga_task("ChargePayment", ChargePayment)
def charge_payment(command: ChargePayment) -> dict[str, Any]:
    """Takes the order's total, once however often it is asked; returns `models.payment_result`.

    Raises PaymentDeclined, StepAlreadyUndone, PaymentProviderUnavailable, PaymentOutcomeUnknown,
    StorageContention.
    """
    payment = service.charge(
        repository, provider, command.task, command.amount, command.token, clock.now()
    )
    return models.payment_result(payment)


@steps.saga_task("RefundPayment")
def refund_payment(task: Task) -> dict[str, Any]:
    """Gives back whatever was taken for the order, also what we never heard of.

    Returns `models.refund_result`. Raises RefundUnavailable, StorageContention.
    """
    payment = service.refund(repository, provider, task, clock.now())
    return models.refund_result(payment)
