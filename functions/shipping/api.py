"""An order's shipment over HTTP."""

from typing import Any

from shared.errors import NotFound
from shared.http import ServiceApi
from shared.ids import is_id
from shipping import views, wiring

api = ServiceApi("shipping")
handler = api.handler


@api.get("/orders/{order_id}/shipment")
def get_shipment(order_id: str) -> dict[str, Any]:
    """Answers `views.shipment_view`, or 404 where no shipment of the order's ever began."""
    # Whatever a caller wrote into the URL: DynamoDB refuses a key that is too long.
    shipment = wiring.repository().find(order_id) if is_id("ord", order_id) else None
    if shipment is None or shipment.address is None:
        raise NotFound(f"Order {order_id} has no shipment.", code="SHIPMENT_NOT_FOUND")
    return views.shipment_view(shipment)
