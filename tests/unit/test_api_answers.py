"""An answer that docs/openapi.yaml does not describe is found, whatever is wrong with it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from support.api_description import (
    ANY,
    Answer,
    Described,
    Undescribed,
    answers,
    check,
    operations,
    route_of,
)

PRODUCT = operations()["GET /products/{sku}"]["responses"]["200"]["content"]["application/json"]
HEADERS = {"content-type": "application/json", "x-correlation-id": "cor-1"}


def an_answer(status: int = 200, headers: Mapping[str, str] = HEADERS, **changes: Any) -> Answer:
    """Returns a described answer of a product's route, but for the changes."""
    body = {**PRODUCT["example"], **changes}
    return Answer("GET /products/{sku}", status, headers, json.dumps(body))


def a_problem(status: int, code: str) -> Answer:
    headers = {**HEADERS, "content-type": "application/problem+json"}
    problem = {
        "type": "about:blank",
        "title": "No",
        "status": status,
        "detail": "No.",
        "code": code,
    }
    return Answer("GET /products/{sku}", status, headers, json.dumps(problem))


def test_a_described_answer_is_known() -> None:
    assert check(an_answer()) == Described("GET /products/{sku}", "200")
    assert check(an_answer()) in answers()


def test_a_problem_is_known_by_its_code() -> None:
    seen = check(a_problem(404, "PRODUCT_NOT_FOUND"))

    assert seen == Described("GET /products/{sku}", "404", "PRODUCT_NOT_FOUND")


def test_what_every_route_may_answer_is_seen_once_for_all() -> None:
    assert check(a_problem(502, "INTERNAL_ERROR")) == Described(ANY, "5XX", "INTERNAL_ERROR")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(an_answer(status=201), id="another status"),
        pytest.param(an_answer(colour="red"), id="another field"),
        pytest.param(an_answer(price_cents="12"), id="another type"),
        pytest.param(an_answer(headers={"content-type": "application/json"}), id="no header"),
        pytest.param(
            an_answer(headers={**HEADERS, "x-correlation-id": "with blanks"}), id="another header"
        ),
        pytest.param(
            an_answer(headers={**HEADERS, "content-type": "text/html"}), id="another media type"
        ),
        pytest.param(a_problem(404, "ORDER_NOT_FOUND"), id="another code"),
    ],
)
def test_what_is_not_described_is_found(answer: Answer) -> None:
    with pytest.raises(Undescribed):
        check(answer)


def test_a_missing_field_is_found() -> None:
    body = {name: value for name, value in PRODUCT["example"].items() if name != "sku"}

    with pytest.raises(Undescribed):
        check(Answer("GET /products/{sku}", 200, HEADERS, json.dumps(body)))


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/orders/ord_1", "GET /orders/{order_id}"),
        ("GET", "/orders/ord_1/saga", "GET /orders/{order_id}/saga"),
        ("GET", "/customers/me/orders", "GET /customers/me/orders"),
        ("DELETE", "/orders/ord_1", None),
        ("GET", "/nowhere", None),
    ],
)
def test_a_request_takes_the_route_of_its_path(method: str, path: str, route: str | None) -> None:
    assert route_of(method, path) == route
