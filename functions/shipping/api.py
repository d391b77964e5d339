"""An order's shipment over HTTP."""

from typing import Any

from shared import dynamodb
from shared.errors import NotFound
from shared.http import ServiceApi
from shared.ids import is_id
from shipping.models import shipment_answer
from shipping.repository import ShipmentTable
from shipping.settings import SETTINGS

api = ServiceApi("shipping")
_repository = ShipmentTable(dynamodb.client(), SETTINGS.table_name)


@api.get("/orders/{order_id}/shipment")
def get_shipment(order_id: str) -> dict[str, Any]:
    """Answers `models.shipment_answer`, or 404 where no shipment of the order's ever began."""
    # Whatever a caller wrote into the URL: DynamoDB refuses a key that is too long.
    shipment = _repository.find(order_id) if is_id("ord", order_id) else None
    if shipment is None or shipment.address is None:
        raise NotFound(f"Order {order_id} has no shipment.", code="SHIPMENT_NOT_FOUND")
    return shipment_answer(shipment)


handler = api.handler
