"""The HTTP API's promises to any client: answers, refusals, and who may call."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sagashop_ops.client import ADDRESS, Json, Line, StoreClient, order_body
from shared.http import SECURITY_HEADERS
from support.saga import Saga

FOREIGN_ORIGIN = "http://shop.example"


@pytest.fixture
def call(stack: dict[str, Any]) -> Callable[..., requests.Response]:
    """Calls the API: `call("GET", "/products")`."""

    def send(method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(method, f"{stack['api_url']}{path}", timeout=35, **options)

    return send


def assert_problem(response: requests.Response, status: int, code: str) -> Json:
    """Checks an RFC 9457 problem document, and returns it."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: Json = response.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    return problem


def test_the_catalogue_has_the_products_that_everyone_knows(store: StoreClient) -> None:
    products = {product["sku"]: product for product in store.get("/products")["products"]}

    names = {sku: products[sku]["name"] for sku in ("product-001", "product-002", "product-003")}
    assert names == {"product-001": "Laptop", "product-002": "Mouse", "product-003": "Keyboard"}
    assert len(products) > 3


def test_a_product_has_a_price_and_what_is_left(store: StoreClient) -> None:
    (listed,) = (
        product for product in store.get("/products")["products"] if product["sku"] == "product-001"
    )

    assert listed.keys() == {
        "sku",
        "name",
        "description",
        "price_cents",
        "currency",
        "available",
    }
    assert listed["price_cents"] > 0
    assert listed["currency"] == "USD"
    assert 0 <= listed["available"] <= 100
    assert store.product("product-001") == listed


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/products/no-such-product", "PRODUCT_NOT_FOUND"),
        ("/orders/ord_NONE", "ORDER_NOT_FOUND"),
        ("/orders/ord_NONE/timeline", "ORDER_NOT_FOUND"),
        ("/orders/ord_NONE/payment", "PAYMENT_NOT_FOUND"),
        ("/orders/ord_NONE/shipment", "SHIPMENT_NOT_FOUND"),
    ],
)
def test_what_does_not_exist_is_not_found(
    call: Callable[..., requests.Response], path: str, code: str
) -> None:
    assert_problem(call("GET", path), 404, code)


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("DELETE", "/orders")])
def test_an_unknown_route_is_a_problem_too(
    call: Callable[..., requests.Response], method: str, path: str
) -> None:
    assert_problem(call(method, path), 404, "NOT_FOUND")


@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping", "notification"])
def test_each_service_tells_its_health(store: StoreClient, service: str) -> None:
    assert store.get(f"/{service}/health") == {"service": service, "status": "ok"}


def test_a_body_that_is_no_json_is_malformed(call: Callable[..., requests.Response]) -> None:
    response = call(
        "POST", "/orders", data='{"items": [', headers={"Content-Type": "application/json"}
    )

    assert_problem(response, 400, "MALFORMED_REQUEST")


def test_a_body_that_is_declared_as_something_else_is_refused(
    call: Callable[..., requests.Response],
) -> None:
    response = call("POST", "/orders", data="<order/>", headers={"Content-Type": "application/xml"})

    assert_problem(response, 415, "UNSUPPORTED_MEDIA_TYPE")


def test_every_wrong_field_of_an_order_is_named(store: StoreClient) -> None:
    body = {
        "items": [{"sku": "product-001", "quantity": 0}, {"quantity": 1}],
        "email": "not an address",
        "shipping_address": ADDRESS | {"street": "", "country": None},
        "payment": {"token": ""},
    }

    problem = assert_problem(store.post_order(body), 422, "VALIDATION_FAILED")

    assert {error["field"] for error in problem["errors"]} == {
        "items[0].quantity",
        "items[1].sku",
        "email",
        "shipping_address.street",
        "shipping_address.country",
        "payment.token",
    }
    assert all(error["message"] for error in problem["errors"])


@pytest.mark.parametrize("missing", ["items", "email", "shipping_address"])
def test_a_missing_field_is_named(store: StoreClient, missing: str) -> None:
    body = order_body([Line("product-001", 1)], "tok_visa")
    del body[missing]

    problem = assert_problem(store.post_order(body), 422, "VALIDATION_FAILED")

    assert {error["field"].split(".")[0] for error in problem["errors"]} == {missing}


@pytest.mark.parametrize("action", ["payment", "cancel"])
def test_an_order_that_does_not_exist_is_neither_paid_nor_cancelled(
    call: Callable[..., requests.Response], action: str
) -> None:
    response = call("POST", f"/orders/ord_NONE/{action}", json={"token": "tok_visa"})

    assert_problem(response, 404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": 1}, {"token": "t" * 201}])
def test_a_payment_without_a_proper_token_is_refused(
    call: Callable[..., requests.Response], body: Json
) -> None:
    problem = assert_problem(
        call("POST", "/orders/ord_NONE/payment", json=body), 422, "VALIDATION_FAILED"
    )

    assert [error["field"] for error in problem["errors"]] == ["token"]


def test_a_payment_that_is_no_json_is_malformed(call: Callable[..., requests.Response]) -> None:
    response = call(
        "POST",
        "/orders/ord_NONE/payment",
        data="{",
        headers={"Content-Type": "application/json"},
    )

    assert_problem(response, 400, "MALFORMED_REQUEST")


def test_an_order_without_items_is_refused(store: StoreClient) -> None:
    problem = assert_problem(store.post_order(order_body([], "tok_visa")), 422, "VALIDATION_FAILED")

    assert [error["field"] for error in problem["errors"]] == ["items"]


def test_nothing_of_a_refused_order_is_kept(store: StoreClient, saga: Saga) -> None:
    # Given a key that came with an order that made no sense
    key = str(uuid.uuid4())
    body = order_body([Line("product-015", 1)], "tok_visa")
    assert store.post_order(body | {"email": "nobody"}, key).status_code == 422

    # When the customer fixes it, under the same key
    response = store.post_order(body, key)

    # Then it is an order like any other
    assert response.status_code == 202
    assert saga.wait_until_ended(response.json()["order_id"])["status"] == "COMPLETED"


@pytest.fixture(scope="module")
def origin(stack: dict[str, Any]) -> str:
    """The origin of the storefront's pages."""
    origin: str = stack["storefront_url"].rstrip("/")
    return origin


def test_the_storefronts_pages_may_call(
    call: Callable[..., requests.Response], origin: str
) -> None:
    preflight = call(
        "OPTIONS",
        "/orders",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,idempotency-key",
        },
    )

    assert preflight.ok
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower().replace(" ", "").split(",")
    assert {"content-type", "idempotency-key", "x-correlation-id"} <= set(allowed)


@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain", "nonsense"])
@pytest.mark.parametrize("path", ["/orders", "/orders/ord_NONE/payment", "/ops/orders"])
def test_options_answers_whatever_its_content_type(
    call: Callable[..., requests.Response], path: str, content_type: str, origin: str
) -> None:
    response = call("OPTIONS", path, headers={"Origin": origin, "Content-Type": content_type})

    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == origin


ANSWERS = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/products"),
        ("GET", "/orders/ord_NONE"),
        ("GET", "/orders/ord_NONE/shipment"),
        ("POST", "/orders"),
        ("POST", "/orders/ord_NONE/payment"),
        ("POST", "/orders/ord_NONE/cancel"),
        ("OPTIONS", "/orders"),
        ("GET", "/accounts/me"),
        ("GET", "/ops/orders"),
        ("GET", "/nothing"),
    ],
)


@ANSWERS
def test_the_storefronts_pages_may_read_every_answer(
    call: Callable[..., requests.Response], method: str, path: str, origin: str
) -> None:
    response = call(method, path, headers={"Origin": origin})

    assert response.headers["Access-Control-Allow-Origin"] == origin


@ANSWERS
def test_a_foreign_page_may_read_none(
    call: Callable[..., requests.Response], method: str, path: str, origin: str
) -> None:
    for foreign in (FOREIGN_ORIGIN, f"{origin}.evil.example", "null"):
        response = call(method, path, headers={"Origin": foreign})

        # API Gateway's own answers name the storefront to everybody, which lets nobody else in.
        allowed = response.headers.get("Access-Control-Allow-Origin")
        assert allowed in ((None, origin) if path == "/nothing" else (None,)), foreign


@ANSWERS
def test_every_answer_has_the_security_headers(
    call: Callable[..., requests.Response], method: str, path: str
) -> None:
    assert call(method, path).headers.items() >= SECURITY_HEADERS.items()


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "1", "null", "[" * 60_000, '{"a": NaN}'])
@pytest.mark.parametrize("path", ["/orders", "/sessions", "/sandbox/failures"])
def test_a_body_that_is_no_json_object_is_malformed_whoever_refuses_it(
    call: Callable[..., requests.Response], path: str, body: str, origin: str
) -> None:
    headers = {"Content-Type": "application/json", "Origin": origin}

    response = call("POST", path, data=body, headers=headers)

    assert_problem(response, 400, "MALFORMED_REQUEST")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers.items() >= SECURITY_HEADERS.items()


def test_what_no_route_can_read_does_not_get_to_a_function(
    call: Callable[..., requests.Response],
) -> None:
    # Given: a function answers with a correlation id, and API Gateway's model does not
    refused = call("POST", "/orders", data="[]", headers={"Content-Type": "application/json"})
    passed = call("POST", "/orders", data="{}", headers={"Content-Type": "application/json"})

    # Then
    assert_problem(refused, 400, "MALFORMED_REQUEST")
    assert "X-Correlation-Id" not in refused.headers
    assert_problem(passed, 422, "VALIDATION_FAILED")
    assert "X-Correlation-Id" in passed.headers


def test_an_oversized_body_is_refused(call: Callable[..., requests.Response]) -> None:
    body = {"items": ["x" * 70_000]}

    assert_problem(call("POST", "/orders", json=body), 413, "BODY_TOO_LARGE")


def test_a_caller_may_bring_its_own_correlation_id(call: Callable[..., requests.Response]) -> None:
    mine = f"test-{uuid.uuid4()}"

    response = call("GET", "/products", headers={"X-Correlation-Id": mine})

    assert response.headers["X-Correlation-Id"] == mine
