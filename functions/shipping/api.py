"""An order's shipment over HTTP."""

from typing import Any

from shared import access
from shared.errors import NotFound
from shared.http import ServiceApi
from shared.ids import is_id
from shipping import views, wiring

api = ServiceApi("shipping")
handler = api.handler


@api.get("/orders/{order_id}/shipment")
def get_shipment(order_id: str) -> dict[str, Any]:
    """Answers `views.shipment_view`; 404 where none began, and where the caller may not know."""
    # Whatever a caller wrote into the URL: DynamoDB refuses a key that is too long.
    shipment = wiring.repository().find(order_id) if is_id("ord", order_id) else None
    may_open = access.may_open(api.caller(), order_id, lambda: access.owner_of(order_id))
    if not may_open or shipment is None or shipment.is_tombstone:
        raise NotFound(f"Order {order_id} has no shipment.", code="SHIPMENT_NOT_FOUND")
    return views.shipment_view(shipment)
