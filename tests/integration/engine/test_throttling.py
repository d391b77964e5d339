"""The limits that a template sets for an API's methods, on the local cloud."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from support.waiting import eventually

type Template = dict[str, Any]

BODY = {"title": "Too many requests", "status": 429, "code": "THROTTLED"}


def a_method() -> Template:
    """A method that answers 200 without a function."""
    return {
        "responses": {"200": {"description": "OK"}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200"}},
        },
    }


def a_template(*settings: Template) -> Template:
    """An API with the methods `GET /orders` and `GET /products`."""
    return {
        "Resources": {
            "Api": {
                "Type": "AWS::ApiGateway::RestApi",
                "Properties": {
                    "Name": "limited",
                    "Body": {
                        "openapi": "3.0.1",
                        "info": {"title": "limited", "version": "1"},
                        "paths": {"/orders": {"get": a_method()}, "/products": {"get": a_method()}},
                        "x-amazon-apigateway-gateway-responses": {
                            "THROTTLED": {
                                "statusCode": 429,
                                "responseParameters": {
                                    "gatewayresponse.header.Access-Control-Allow-Origin": "'*'"
                                },
                                "responseTemplates": {"application/json": json.dumps(BODY)},
                            }
                        },
                    },
                },
            },
            "Deployment": {
                "Type": "AWS::ApiGateway::Deployment",
                "Properties": {"RestApiId": {"Ref": "Api"}},
            },
            "Stage": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "DeploymentId": {"Ref": "Deployment"},
                    "StageName": "live",
                    "MethodSettings": list(settings),
                },
            },
        },
        "Outputs": {"ApiId": {"Value": {"Ref": "Api"}}},
    }


def a_limit(burst: int, path: str = "/*", method: str = "*") -> Template:
    """A burst, after which nothing more comes through in the time of a test."""
    return {
        "ResourcePath": path,
        "HttpMethod": method,
        "ThrottlingRateLimit": 0.001,
        "ThrottlingBurstLimit": burst,
    }


@pytest.fixture
def deploy(aws: Callable[[str], Any], stack: dict[str, Any]) -> Iterator[Callable[[Template], str]]:
    """Creates or updates a stack of the test's own; returns its API's URL."""
    cloudformation = aws("cloudformation")
    name = f"test-{uuid.uuid4().hex[:12]}"
    deployed: list[Template] = []

    def act(template: Template) -> str:
        operation = cloudformation.update_stack if deployed else cloudformation.create_stack
        operation(StackName=name, TemplateBody=json.dumps(template))
        deployed.append(template)
        made = eventually(
            lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0],
            until=lambda found: (
                found["StackStatus"]
                == ("UPDATE_COMPLETE" if len(deployed) > 1 else "CREATE_COMPLETE")
                and found.get("Outputs")
            ),
        )
        api_id = made["Outputs"][0]["OutputValue"]
        return f"{stack['endpoint_url']}/_aws/execute-api/{api_id}/live"

    yield act
    cloudformation.delete_stack(StackName=name)


def statuses(url: str, count: int) -> list[int]:
    return [requests.get(url, timeout=30).status_code for _ in range(count)]


def test_what_exceeds_a_methods_burst_gets_the_templates_answer(
    deploy: Callable[[Template], str],
) -> None:
    url = deploy(a_template(a_limit(burst=3)))

    assert statuses(f"{url}/orders", 5) == [200, 200, 200, 429, 429]

    refused = requests.get(f"{url}/orders", timeout=30)
    assert refused.json() == BODY
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert statuses(f"{url}/products", 1) == [200]


def test_an_update_of_the_stack_changes_the_limits(deploy: Callable[[Template], str]) -> None:
    # Given a method with a limit of its own
    url = deploy(a_template(a_limit(burst=5), a_limit(burst=1, path="/orders", method="GET")))
    assert statuses(f"{url}/orders", 2) == [200, 429]
    assert statuses(f"{url}/products", 2) == [200, 200]

    # When the template has another one for all, and none for the method
    deploy(a_template(a_limit(burst=2)))

    # Then these hold
    assert statuses(f"{url}/products", 3) == [200, 200, 429]
    assert statuses(f"{url}/orders", 3) == [200, 200, 429]
