"""API Gateway: updates of a REST API, its gateway responses, and its models of requests.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    DEFAULT_GATEWAY_RESPONSES,
    BadRequestBodyError,
    BaseGatewayException,
    get_gateway_response_or_default,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.gateway_exception import (
    GatewayExceptionHandler,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.method_request import (
    MethodRequestHandler,
)
from localstack.services.apigateway.next_gen.execute_api.template_mapping import (
    ApiGatewayVtlTemplate,
)
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
from rolo import Response

from localstack_embedded.patches import patch
from localstack_embedded.patches.throttling import limit_operations

_GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
_HEADER = "gatewayresponse.header."
_TEMPLATE = "application/json"

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]


@patch(
    ApiGatewayRestApiProvider.create,
    source="bbd05b25",
    test="test_a_new_api_has_its_gateway_responses",
)
def create_api(
    create: Callable[..., Progress], self: ApiGatewayRestApiProvider, request: Request
) -> Progress:
    """Adds the gateway responses, which LocalStack leaves out of an imported definition."""
    event = create(self, request)
    assert event.resource_model
    _put_gateway_responses(request, event.resource_model["RestApiId"])
    return event


@patch(
    ApiGatewayRestApiProvider.update,
    source="658e53f9",
    test="test_an_updated_api_has_its_new_definition",
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
    source="0042ccc4",
    test="test_an_updated_stage_serves_the_new_deployment",
)
def update_stage(_: object, self: ApiGatewayStageProvider, request: Request) -> Progress:
    """Points the stage to the new deployment that a changed API gets, and changes its limits.

    LocalStack would do neither.
    """
    before: Mapping[str, Any] = request.previous_state or {}
    model = {**before, **request.desired_state}
    request.aws_client_factory.apigateway.update_stage(
        restApiId=model["RestApiId"],
        stageName=model["StageName"],
        patchOperations=[
            {"op": "replace", "path": "/deploymentId", "value": model["DeploymentId"]},
            *limit_operations(before, request.desired_state),
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


@patch(
    GatewayExceptionHandler.create_exception_response,
    source="71c1d583",
    test="test_a_gateway_response_has_its_headers_and_body",
)
def create_exception_response(
    answer: Callable[..., Response],
    self: GatewayExceptionHandler,
    exception: BaseGatewayException,
    context: RestApiInvocationContext,
) -> Response:
    """Adds a gateway response's headers and body to the status code that LocalStack takes from it.

    Without the headers, a browser does not let a page read the answer.
    """
    response = answer(self, exception, context)
    assert context.deployment is not None, "an error before that has no gateway response"
    configured = get_gateway_response_or_default(
        exception.type, context.deployment.rest_api.gateway_responses
    )
    if configured is DEFAULT_GATEWAY_RESPONSES.get(exception.type):
        return response  # What AWS answers by default, which LocalStack knows.
    response.headers.update(static_headers(configured.get("responseParameters") or {}))
    template = (configured.get("responseTemplates") or {}).get(_TEMPLATE)
    if template is not None:
        error = {
            "message": exception.message,
            "messageString": json.dumps(exception.message),
            "responseType": exception.type,
        }
        body = ApiGatewayVtlTemplate().render_vtl(template, {"context": {"error": error}})
        response.set_data(str(body))
    return response


@patch(
    MethodRequestHandler.validate_request,
    source="13d07062",
    test="test_a_model_refuses_what_is_no_json_and_only_what_claims_to_be",
)
def validate_request(
    validate: Callable[..., None],
    self: MethodRequestHandler,
    method: Mapping[str, Any],
    rest_api: Any,
    request: Mapping[str, Any],
) -> None:
    """Validates a body that is declared as JSON, as API Gateway does; LocalStack takes any for it.

    What its parser does not survive, such as half a character, is refused like any other non-JSON.
    """
    media_type = request["headers"].get("Content-Type") or _TEMPLATE
    if media_type.split(";")[0].strip().lower() != _TEMPLATE:
        return
    try:
        validate(self, method, rest_api, request)
    except (ValueError, RecursionError) as exc:
        raise BadRequestBodyError("Invalid request body") from exc


def static_headers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers whose value is a constant (`'*'`), not taken from the request.

    >>> static_headers({"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"})
    {'Access-Control-Allow-Origin': '*'}
    """
    return {
        name.removeprefix(_HEADER): value[1:-1]
        for name, value in parameters.items()
        if name.startswith(_HEADER) and value.startswith("'") and value.endswith("'")
    }
