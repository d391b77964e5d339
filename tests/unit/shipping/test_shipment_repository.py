"""The shipping service's table: what a shipment and the carrier's book are in DynamoDB."""

from typing import Any

import pytest

from builders import ORDER_ID, PLACED_AT, an_order
from shared import dynamodb
from shared.dynamodb import from_item, to_item
from shipping import domain, saga
from shipping.domain import Address, Booking, Shipment
from shipping.repository import ShipmentTable

ADDRESS = Address("1 Main St", "Springfield", "IL", "62701", "US")
BOOKING = Booking("Saga Parcel", "SP123", PLACED_AT)
PENDING = domain.begin(ORDER_ID, ADDRESS, PLACED_AT)


@pytest.mark.parametrize(
    "shipment",
    [
        domain.tombstone(ORDER_ID, PLACED_AT),
        PENDING,
        domain.create(PENDING, BOOKING, PLACED_AT),
        domain.reject(PENDING, "nobody delivers to XX", PLACED_AT),
        domain.cancel(PENDING, BOOKING, PLACED_AT),
        domain.cancel(PENDING, None, PLACED_AT),
    ],
    ids=lambda shipment: shipment.status,
)
def test_a_shipment_is_read_as_it_was_written(shipping_table: str, shipment: Shipment) -> None:
    shipments = ShipmentTable(dynamodb.client(), shipping_table)

    shipments.create(shipment)

    assert shipments.find(ORDER_ID) == shipment


def test_an_audit_finds_the_parcel_in_the_shipment_and_in_the_book(
    shipping_table: str, frozen_clock: Any, lambda_context: Any
) -> None:
    def row(pk: str, sk: str) -> dict[str, Any]:
        key = to_item({"pk": pk, "sk": sk})
        return from_item(dynamodb.client().get_item(TableName=shipping_table, Key=key)["Item"])

    order = an_order()
    parcel = {
        "shipping_address": order.body()["shipping_address"],
        "items": [{"sku": "product-001", "quantity": 2}],
    }

    # When the functions run on what the service is wired to
    created = saga.handler(order.payload("CreateShipment", **parcel), lambda_context)
    saga.handler(order.payload("CancelShipment"), lambda_context)

    # Then
    for found in (row(f"SHIPMENT#{ORDER_ID}", "SHIPMENT"), row(f"CARRIER#{ORDER_ID}", "BOOKING")):
        assert found["status"] == "CANCELLED"
        assert found["tracking_number"] == created["tracking_number"]
