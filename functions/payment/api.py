"""An order's payment over HTTP."""

from typing import Any

from payment import views, wiring
from shared import access
from shared.errors import NotFound
from shared.http import ServiceApi
from shared.ids import is_id

api = ServiceApi("payment")
handler = api.handler


@api.get("/orders/{order_id}/payment")
def get_payment(order_id: str) -> dict[str, Any]:
    """Answers `views.payment_view`; 404 where none began, and where the caller may not know."""
    # Whatever a caller wrote into the URL: DynamoDB refuses a key that is too long.
    payment = wiring.repository().find(order_id) if is_id("ord", order_id) else None
    may_open = access.may_open(api.caller(), order_id, lambda: access.owner_of(order_id))
    if not may_open or payment is None or payment.is_tombstone:
        raise NotFound(f"Order {order_id} has no payment.", code="PAYMENT_NOT_FOUND")
    return views.payment_view(payment)
