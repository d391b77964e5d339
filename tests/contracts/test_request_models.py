"""API Gateway's models of request bodies refuse nothing that the functions would take.

On AWS, and on the local cloud, a model refuses a body before a function is called. So the functions
have to refuse it as well, in the same words; and whatever else is wrong, they name it.
"""

import importlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from builders import ACCOUNT_ID, ORDER_ID, a_request
from shared import chaos, clock
from shared.tokens import Tokens
from support.template import resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
API = template()["Resources"]["HttpApi"]["Properties"]
# Each route with a body: its function, path and the name of its model.
ROUTES = {
    route["Path"]: (function, route.get("RequestModel"))
    for function, properties in FUNCTIONS.items()
    for event in properties.get("Events", {}).values()
    if event["Type"] == "Api" and (route := event["Properties"])["Method"] == "POST"
}
WITHOUT_BODY = {"/orders/{order_id}/cancel"}
REFUSED = json.loads(
    API["GatewayResponses"]["BAD_REQUEST_BODY"]["ResponseTemplates"]["application/json"]
)

some_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner)),
    max_leaves=5,
)


def answer_of(path: str, body: str, tokens: Tokens, context: Any) -> tuple[int, dict[str, Any]]:
    """Returns the answer of a route's function to an operator's request."""
    module, _, handler = FUNCTIONS[ROUTES[path][0]]["Handler"].rpartition(".")
    token = tokens.for_account(ACCOUNT_ID, "operator", clock.now())
    order = {"order_id": ORDER_ID} if "{order_id}" in path else {}
    headers = {"Authorization": f"Bearer {token}"}
    request = a_request("POST", path, body=body, headers=headers, **order)
    response = getattr(importlib.import_module(module), handler)(request, context)
    return response["statusCode"], json.loads(response["body"])


@pytest.fixture(autouse=True)
def _in_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every route is open; nobody gets as far as to count requests."""
    monkeypatch.setattr(chaos, "is_sandbox", lambda: True)
    monkeypatch.setattr("shared.limits.Limiter.count", lambda *_: None)
    monkeypatch.setattr("shared.dynamodb.client", lambda: None)


def test_every_route_that_takes_a_body_has_a_model() -> None:
    models = {path: model for path, (_, model) in ROUTES.items() if path not in WITHOUT_BODY}

    assert len(models) >= 8
    for path, model in models.items():
        assert model == {"Model": "JsonObject", "Required": True, "ValidateBody": True}, path
    for path in WITHOUT_BODY:
        assert ROUTES[path][1] is None


def test_a_model_is_a_schema_that_api_gateway_knows() -> None:
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings-models.html
    assert API["Models"].keys() == {"JsonObject"}
    for schema in API["Models"].values():
        Draft4Validator.check_schema(schema)


@pytest.mark.parametrize("path", sorted(ROUTES.keys() - WITHOUT_BODY))
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=some_json)
def test_what_a_model_refuses_its_function_refuses_in_the_same_words(
    path: str, body: Any, stack_tokens: Tokens, lambda_context: Any
) -> None:
    if Draft4Validator(API["Models"]["JsonObject"]).is_valid(body):
        return

    status, problem = answer_of(path, json.dumps(body), stack_tokens, lambda_context)

    assert (status, problem) == (400, REFUSED)


@pytest.mark.parametrize("path", sorted(ROUTES.keys() - WITHOUT_BODY))
@pytest.mark.parametrize("body", ["", "{", "{'a': 1}", "[" * 60_000])
def test_what_is_no_json_is_refused_in_the_same_words(
    path: str, body: str, stack_tokens: Tokens, lambda_context: Any
) -> None:
    status, problem = answer_of(path, body, stack_tokens, lambda_context)

    assert (status, problem) == (400, REFUSED)
