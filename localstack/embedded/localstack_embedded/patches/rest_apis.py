"""Updates of a REST API, and the gateway responses that its definition declares."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.apigateway.resource_providers.aws_apigateway_restapi import (
    ApiGatewayRestApiProvider,
)
from localstack.services.apigateway.resource_providers.aws_apigateway_stage import (
    ApiGatewayStageProvider,
)
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)

from localstack_embedded.patches import patch

_GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]
type Create = Callable[[ApiGatewayRestApiProvider, Request], Progress]


@patch(
    ApiGatewayRestApiProvider.create,
    source="bbd05b25ed0f8a37",
    test="unit/localstack_embedded/engine_checks.py::test_a_new_api_has_its_gateway_responses",
)
def create_api(create: Create, self: ApiGatewayRestApiProvider, request: Request) -> Progress:
    """Adds the gateway responses, which LocalStack leaves out of an imported definition."""
    event = create(self, request)
    assert event.resource_model
    _put_gateway_responses(request, event.resource_model["RestApiId"])
    return event


@patch(
    ApiGatewayRestApiProvider.update,
    source="658e53f99290e2d7",
    test="unit/localstack_embedded/engine_checks.py::test_an_updated_api_has_its_new_definition",
)
def update_api(_: object, self: ApiGatewayRestApiProvider, request: Request) -> Progress:
    """Imports the new definition; LocalStack would keep the old routes and report success."""
    model = {**(request.previous_state or {}), **request.desired_state}
    request.aws_client_factory.apigateway.put_rest_api(
        restApiId=model["RestApiId"],
        mode="overwrite",
        parameters={"basepath": "ignore"},
        body=json.dumps(model["Body"]).encode(),
    )
    _put_gateway_responses(request, model["RestApiId"])
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


@patch(
    ApiGatewayStageProvider.update,
    source="0042ccc42668de2c",
    test="unit/localstack_embedded/engine_checks.py::test_an_updated_stage_serves_the_new_deployment",
)
def update_stage(_: object, self: ApiGatewayStageProvider, request: Request) -> Progress:
    """Points the stage to the new deployment that a changed API gets; LocalStack would not."""
    model = {**(request.previous_state or {}), **request.desired_state}
    request.aws_client_factory.apigateway.update_stage(
        restApiId=model["RestApiId"],
        stageName=model["StageName"],
        patchOperations=[
            {"op": "replace", "path": "/deploymentId", "value": model["DeploymentId"]}
        ],
    )
    return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def _put_gateway_responses(request: Request, rest_api_id: str) -> None:
    body: Mapping[str, Any] = request.desired_state.get("Body") or {}
    for response_type, response in body.get(_GATEWAY_RESPONSES, {}).items():
        status = {"statusCode": str(response["statusCode"])} if "statusCode" in response else {}
        request.aws_client_factory.apigateway.put_gateway_response(
            restApiId=rest_api_id,
            responseType=response_type,
            responseParameters=response.get("responseParameters", {}),
            responseTemplates=response.get("responseTemplates", {}),
            **status,
        )
