"""An order's payment over HTTP."""

from typing import Any

from payment.models import payment_answer
from payment.repository import PaymentTable
from payment.settings import SETTINGS
from shared import dynamodb
from shared.errors import NotFound
from shared.http import ServiceApi
from shared.ids import is_id

api = ServiceApi("payment")
_repository = PaymentTable(dynamodb.client(), SETTINGS.table_name)


@api.get("/orders/{order_id}/payment")
def get_payment(order_id: str) -> dict[str, Any]:
    """Answers `models.payment_answer`, or 404 where no payment of the order's ever began."""
    # Whatever a caller wrote into the URL: DynamoDB refuses a key that is too long.
    payment = _repository.find(order_id) if is_id("ord", order_id) else None
    if payment is None or payment.is_tombstone:
        raise NotFound(f"Order {order_id} has no payment.", code="PAYMENT_NOT_FOUND")
    return payment_answer(payment)


handler = api.handler
