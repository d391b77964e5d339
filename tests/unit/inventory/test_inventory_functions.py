"""The Lambda handlers as Step Functions and API Gateway call them."""

import json
from typing import Any

import pytest

from builders import ORDER_ID, ORIGIN, a_request, an_order
from inventory import api, saga
from shared.errors import (
    OutOfStock,
    StepAlreadyUndone,
    StockContention,
    StorageContention,
    UnknownProduct,
    ValidationFailed,
)

pytestmark = pytest.mark.usefixtures("repository", "frozen_clock")


class TestSagaSteps:
    def test_an_order_is_reserved_committed_and_released(
        self, shelf, outbox_events, lambda_context
    ):
        shelf.stock("mouse", 10, price_cents=2500, name="Mouse")
        order = an_order()

        result = saga.handler(
            order.payload("ReserveStock", items=[{"sku": "mouse", "quantity": 2}]), lambda_context
        )
        assert json.loads(json.dumps(result)) == {
            "lines": [{"sku": "mouse", "name": "Mouse", "quantity": 2, "unit_price_cents": 2500}],
            "total_cents": 5000,
            "currency": "USD",
        }

        assert (
            saga.handler(
                order.payload("CommitStock"),
                lambda_context,
            )
            == {}
        )
        assert shelf.units("mouse") == (8, 0, 2)

        assert (
            saga.handler(
                order.payload("ReleaseStock"),
                lambda_context,
            )
            == {}
        )
        assert shelf.units("mouse") == (10, 0, 0)

        events = outbox_events()
        assert sorted(event_type for event_type, _ in events) == [
            "StockCommitted",
            "StockReleased",
            "StockReserved",
        ]
        for _, event in events:
            assert event["metadata"]["correlation_id"] == ORIGIN.correlation_id
            assert event["metadata"]["causation_id"] == lambda_context.aws_request_id
            assert event["data"]["order_id"] == ORDER_ID

    @pytest.mark.parametrize(("sku", "error"), [("mouse", OutOfStock), ("unicorn", UnknownProduct)])
    def test_a_refusal_reaches_the_state_machine_by_its_name(
        self, shelf, lambda_context, sku, error
    ):
        shelf.stock("mouse", 1)
        payload = an_order().payload("ReserveStock", items=[{"sku": sku, "quantity": 2}])

        with pytest.raises(error):
            saga.handler(payload, lambda_context)

    def test_a_late_step_is_refused(self, shelf, lambda_context):
        shelf.stock("mouse", 1)
        saga.handler(an_order().payload("ReleaseStock"), lambda_context)

        with pytest.raises(StepAlreadyUndone):
            saga.handler(
                an_order().payload("ReserveStock", items=[{"sku": "mouse", "quantity": 1}]),
                lambda_context,
            )

    @pytest.mark.parametrize(
        ("items", "field"),
        [
            ([], "items"),
            ([{"sku": "mouse", "quantity": 0}], r"items\[0\]\.quantity"),
            ([{"sku": "mouse", "quantity": -1}], r"items\[0\]\.quantity"),
            ([{"quantity": 1}], r"items\[0\]\.sku"),
        ],
    )
    def test_a_payload_that_does_not_fit_moves_no_stock(self, shelf, lambda_context, items, field):
        shelf.stock("mouse", 1)

        with pytest.raises(ValidationFailed, match=field):
            saga.handler(an_order().payload("ReserveStock", items=items), lambda_context)
        assert shelf.units("mouse") == (1, 0, 0)


class TestApi:
    def test_the_catalogue_is_sorted_by_sku_and_shows_what_is_left(self, shelf, lambda_context):
        shelf.stock("product-002", 500, price_cents=2500, name="Mouse")
        shelf.stock("product-001", 100, price_cents=129_900, name="Laptop")
        saga.handler(
            an_order().payload("ReserveStock", items=[{"sku": "product-001", "quantity": 30}]),
            lambda_context,
        )

        status, body = self.get("/products", lambda_context)

        assert status == 200
        assert [product["sku"] for product in body["products"]] == ["product-001", "product-002"]
        assert body["products"][0] == {
            "sku": "product-001",
            "name": "Laptop",
            "description": "All about product-001",
            "price_cents": 129_900,
            "currency": "USD",
            "available": 70,
        }

    def test_reservations_and_events_are_no_products(self, lambda_context):
        saga.handler(an_order().payload("ReleaseStock"), lambda_context)

        assert self.get("/products", lambda_context) == (200, {"products": []})

    def test_one_product(self, shelf, lambda_context):
        shelf.stock("product-001", 100, name="Laptop")

        status, body = self.get("/products/{sku}", lambda_context, sku="product-001")

        assert (status, body["name"], body["available"]) == (200, "Laptop", 100)

    def test_a_product_that_does_not_exist(self, lambda_context):
        status, body = self.get("/products/{sku}", lambda_context, sku="unicorn")

        assert (status, body["code"]) == (404, "PRODUCT_NOT_FOUND")

    def test_health(self, lambda_context):
        assert self.get("/inventory/health", lambda_context) == (
            200,
            {"service": "inventory", "status": "ok"},
        )

    def get(self, resource: str, context: Any, **path: str) -> tuple[int, dict[str, Any]]:
        response = api.handler(a_request("GET", resource, **path), context)
        return response["statusCode"], json.loads(response["body"])


class TestAHotProduct:
    """Conflicts are retried inside the step, with jitter, before the state machine sees them."""

    STEPS = ("ReserveStock", "CommitStock", "ReleaseStock")

    @pytest.fixture
    def naps(self, monkeypatch):
        naps: list[float] = []
        monkeypatch.setattr("time.sleep", naps.append)
        return naps

    def payload(self, step):
        items = [{"sku": "mouse", "quantity": 2}]
        return an_order().payload(step, **({"items": items} if step == "ReserveStock" else {}))

    def collide(self, repository, monkeypatch, times, error):
        """Makes the next writes collide; returns how many were tried."""
        tried: list[str] = []
        for name in ("create", "update"):
            write = getattr(repository, name)

            def colliding(*arguments, write=write):
                tried.append("write")
                if len(tried) <= times:
                    raise error("another order was faster")
                return write(*arguments)

            monkeypatch.setattr(repository, name, colliding)
        return tried

    @pytest.mark.parametrize("error", [StockContention, StorageContention])
    @pytest.mark.parametrize("step", STEPS)
    def test_a_conflict_on_a_hot_product_is_retried_inside_the_step(
        self, step, error, shelf, repository, naps, monkeypatch, lambda_context
    ):
        # Given
        shelf.stock("mouse", 10)
        for before in self.STEPS[: self.STEPS.index(step)]:
            saga.handler(self.payload(before), lambda_context)
        tried = self.collide(repository, monkeypatch, 3, error)

        # When
        saga.handler(self.payload(step), lambda_context)

        # Then
        assert len(tried) == 4
        assert len(naps) == 3
        assert (
            shelf.units("mouse")
            == {
                "ReserveStock": (8, 2, 0),
                "CommitStock": (8, 0, 2),
                "ReleaseStock": (10, 0, 0),
            }[step]
        )

    def test_a_conflict_that_lasts_is_left_to_the_state_machine(
        self, shelf, repository, naps, monkeypatch, lambda_context
    ):
        # Given
        shelf.stock("mouse", 10)
        tried = self.collide(repository, monkeypatch, 100, StockContention)

        # When
        with pytest.raises(StockContention):
            saga.handler(self.payload("ReserveStock"), lambda_context)

        # Then
        assert len(tried) == 6
        assert sum(naps) < 1
        assert shelf.units("mouse") == (10, 0, 0)


@pytest.mark.parametrize(
    ("steps", "held"),
    [
        (["ReserveStock"], 2),
        (["ReserveStock", "CommitStock"], 2),
        (["ReserveStock", "ReleaseStock"], 0),
        (["ReleaseStock"], 0),
    ],
)
def test_the_stock_that_an_order_still_holds_is_told(steps, held, shelf, lambda_context):
    # Given
    shelf.stock("mouse", 10)
    for step in steps:
        saga.handler(TestAHotProduct().payload(step), lambda_context)

    # When
    query = {"query": "owed", "order_ids": [ORDER_ID, "ord_unknown"]}
    answer = saga.handler(query, lambda_context)

    # Then
    stock_held = [{"sku": "mouse", "quantity": held}] if held else []
    assert answer == {"owed": {ORDER_ID: {"stock_held": stock_held}}}


@pytest.mark.parametrize("order_ids", [None, "ord_1", [7], ["ord_1"] * 101])
def test_a_question_about_something_else_than_orders_is_refused(order_ids, lambda_context):
    with pytest.raises(ValidationFailed, match="order_ids"):
        saga.handler({"query": "owed", "order_ids": order_ids}, lambda_context)
