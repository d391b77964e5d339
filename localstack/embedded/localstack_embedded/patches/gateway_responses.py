"""Gateway responses: what API Gateway answers by itself, as the API's definition declares it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

import json
from collections.abc import Callable, Mapping

from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    DEFAULT_GATEWAY_RESPONSES,
    BaseGatewayException,
    get_gateway_response_or_default,
)
from localstack.services.apigateway.next_gen.execute_api.handlers.gateway_exception import (
    GatewayExceptionHandler,
)
from localstack.services.apigateway.next_gen.execute_api.template_mapping import (
    ApiGatewayVtlTemplate,
)
from rolo import Response

from localstack_embedded.patches import patch

_HEADER = "gatewayresponse.header."
_TEMPLATE = "application/json"

type Answer = Callable[
    [GatewayExceptionHandler, BaseGatewayException, RestApiInvocationContext], Response
]


@patch(
    GatewayExceptionHandler.create_exception_response,
    source="71c1d583fbb98864",
    test="unit/localstack_embedded/engine_checks.py::test_a_gateway_response_has_its_headers_and_body",
)
def create_exception_response(
    answer: Answer,
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
        response.set_data(_rendered(template, exception))
    return response


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


def _rendered(template: str, exception: BaseGatewayException) -> str:
    error = {
        "message": exception.message,
        "messageString": json.dumps(exception.message),
        "responseType": exception.type,
    }
    return str(ApiGatewayVtlTemplate().render_vtl(template, {"context": {"error": error}}))
