"""Lets a deployment change a REST API that exists, and what its gateway answers by itself.

LocalStack's CloudFormation creates APIs and their stages but doesn't update them: a changed route
would stay as it was until the engine starts anew, without a word. And of an API's definition it
leaves out the gateway responses (`x-amazon-apigateway-gateway-responses`).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localstack.runtime import hooks
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
from localstack.utils.patch import patch

_GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"

type Create = Callable[[ApiGatewayRestApiProvider, ResourceRequest[Any]], ProgressEvent[Any]]


@hooks.on_infra_start()
def complete_rest_apis() -> None:
    """Adds to LocalStack's resource providers what they lack."""

    @patch(ApiGatewayRestApiProvider.create)
    def create_api(
        create: Create, self: ApiGatewayRestApiProvider, request: ResourceRequest[Any]
    ) -> ProgressEvent[Any]:
        event = create(self, request)
        assert event.resource_model
        _put_gateway_responses(request, event.resource_model["RestApiId"])
        return event

    @patch(ApiGatewayRestApiProvider.update, pass_target=False)
    def update_api(
        self: ApiGatewayRestApiProvider, request: ResourceRequest[Any]
    ) -> ProgressEvent[Any]:
        model = {**(request.previous_state or {}), **request.desired_state}
        request.aws_client_factory.apigateway.put_rest_api(
            restApiId=model["RestApiId"],
            mode="overwrite",
            parameters={"basepath": "ignore"},
            body=json.dumps(model["Body"]).encode(),
        )
        _put_gateway_responses(request, model["RestApiId"])
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)

    @patch(ApiGatewayStageProvider.update, pass_target=False)
    def update_stage(
        self: ApiGatewayStageProvider, request: ResourceRequest[Any]
    ) -> ProgressEvent[Any]:
        # A changed API gets a new deployment; the stage has only to point to it.
        model = {**(request.previous_state or {}), **request.desired_state}
        request.aws_client_factory.apigateway.update_stage(
            restApiId=model["RestApiId"],
            stageName=model["StageName"],
            patchOperations=[
                {"op": "replace", "path": "/deploymentId", "value": model["DeploymentId"]}
            ],
        )
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


def _put_gateway_responses(request: ResourceRequest[Any], rest_api_id: str) -> None:
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
