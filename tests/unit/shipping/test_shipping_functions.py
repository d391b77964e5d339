"""The Lambda handlers as Step Functions and API Gateway call them."""

import json
from typing import Any

import pytest

from builders import ORDER_ID, PLACED_AT, a_request, an_order
from shared import tokens
from shared.errors import ShipmentRejected, StepAlreadyUndone, ValidationFailed
from shipping import api, saga
from unit.fakes import FakeRepository

ADDRESS = an_order().body()["shipping_address"]

pytestmark = pytest.mark.usefixtures("repository", "carrier", "frozen_clock", "stack_tokens")


def create_payload(**changes: Any) -> dict[str, Any]:
    # The reservation's lines, which know more than shipping asks for.
    line = {"sku": "product-001", "name": "Laptop", "quantity": 2, "unit_price_cents": 129_900}
    return an_order().payload("CreateShipment", shipping_address=ADDRESS, items=[line]) | changes


def get(resource: str, context: Any, **path: str) -> tuple[int, dict[str, Any]]:
    order_token = tokens.tokens().for_order(ORDER_ID, PLACED_AT)
    headers = {"Authorization": f"Bearer {order_token}"}
    response = api.handler(a_request("GET", resource, headers=headers, **path), context)
    return response["statusCode"], json.loads(response["body"])


def get_shipment(context: Any) -> tuple[int, dict[str, Any]]:
    return get("/orders/{order_id}/shipment", context, order_id=ORDER_ID)


class TestSagaSteps:
    def test_a_shipment_is_created_and_cancelled(self, book, lambda_context):
        created = saga.handler(create_payload(), lambda_context)
        assert json.loads(json.dumps(created)) == {
            "shipment_id": created["shipment_id"],
            "status": "CREATED",
            "carrier": "Saga Parcel",
            "tracking_number": book.row()["tracking_number"],
        }

        cancelled = saga.handler(an_order().payload("CancelShipment"), lambda_context)
        assert cancelled == created | {"status": "CANCELLED"}

    def test_a_rejection_reaches_the_state_machine_by_its_name(self, lambda_context):
        payload = create_payload(shipping_address=ADDRESS | {"country": "XX"})

        with pytest.raises(ShipmentRejected, match="nobody delivers to XX"):
            saga.handler(payload, lambda_context)

    def test_a_late_booking_is_refused(self, lambda_context):
        cancelled = saga.handler(an_order().payload("CancelShipment"), lambda_context)
        assert (cancelled["carrier"], cancelled["tracking_number"]) == (None, None)

        with pytest.raises(StepAlreadyUndone):
            saga.handler(create_payload(), lambda_context)

    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"shipping_address": None}, "shipping_address.street"),
            ({"shipping_address": ADDRESS | {"country": ""}}, "shipping_address.country"),
            ({"items": []}, "items"),
            ({"items": [{"sku": "product-001", "quantity": 0}]}, "quantity"),
        ],
    )
    def test_a_payload_that_does_not_fit_books_nothing(
        self, book, lambda_context, changes, complaint
    ):
        with pytest.raises(ValidationFailed, match=complaint):
            saga.handler(create_payload(**changes), lambda_context)
        assert book.row() == {}


class TestApi:
    def test_a_shipment_shows_where_the_parcel_goes_and_how_to_follow_it(self, lambda_context):
        created = saga.handler(create_payload(), lambda_context)

        assert get_shipment(lambda_context) == (
            200,
            {
                "order_id": ORDER_ID,
                "shipment_id": created["shipment_id"],
                "status": "CREATED",
                "carrier": created["carrier"],
                "tracking_number": created["tracking_number"],
                "address": ADDRESS,
                "created_at": "2026-03-01T09:30:00.125Z",
                "updated_at": "2026-03-01T09:30:00.125Z",
            },
        )

    def test_a_rejected_shipment_has_nothing_to_follow(self, lambda_context):
        with pytest.raises(ShipmentRejected):
            saga.handler(
                create_payload(shipping_address=ADDRESS | {"country": "XX"}), lambda_context
            )

        status, body = get_shipment(lambda_context)

        assert (status, body["status"], body["tracking_number"]) == (200, "REJECTED", None)

    def test_an_order_without_a_shipment(self, lambda_context):
        status, body = get_shipment(lambda_context)

        assert (status, body["code"]) == (404, "SHIPMENT_NOT_FOUND")

    def test_an_order_undone_before_its_shipment_began_has_none(self, lambda_context):
        saga.handler(an_order().payload("CancelShipment"), lambda_context)

        status, _ = get_shipment(lambda_context)

        assert status == 404

    def test_an_order_id_that_dynamodb_would_refuse_is_not_looked_up(
        self, lambda_context, monkeypatch
    ):
        monkeypatch.delattr(FakeRepository, "find")

        status, body = get("/orders/{order_id}/shipment", lambda_context, order_id="o" * 3000)

        assert (status, body["code"]) == (404, "SHIPMENT_NOT_FOUND")

    def test_health(self, lambda_context):
        assert get("/shipping/health", lambda_context) == (
            200,
            {"service": "shipping", "status": "ok"},
        )


@pytest.mark.parametrize(
    ("steps", "booked"),
    [(["CreateShipment"], True), (["CreateShipment", "CancelShipment"], False)],
)
def test_whether_a_parcel_is_booked_is_told(steps, booked, lambda_context):
    # Given
    for step in steps:
        payload = create_payload() if step == "CreateShipment" else an_order().payload(step)
        saga.handler(payload, lambda_context)

    # When
    query = {"query": "owed", "order_ids": [ORDER_ID, "ord_unknown"]}
    answer = saga.handler(query, lambda_context)

    # Then
    assert answer == {"owed": {ORDER_ID: {"shipment_booked": booked}}}


@pytest.mark.parametrize("order_ids", [None, "ord_1", [7], ["ord_1"] * 101])
def test_a_question_about_something_else_than_orders_is_refused(order_ids, lambda_context):
    with pytest.raises(ValidationFailed, match="order_ids"):
        saga.handler({"query": "owed", "order_ids": order_ids}, lambda_context)
