"""What API Gateway answers by itself, in the words of the API's template.

LocalStack takes only the status code from a gateway response: not its headers, which let a browser
read the answer, nor its body.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html
"""

import json
from collections.abc import Callable, Mapping

from localstack.runtime import hooks
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
from localstack.utils.patch import patch
from rolo import Response

_HEADER = "gatewayresponse.header."
_TEMPLATE = "application/json"

type Answer = Callable[
    [GatewayExceptionHandler, BaseGatewayException, RestApiInvocationContext], Response
]


@hooks.on_infra_start()
def word_gateway_responses() -> None:
    """Makes API Gateway answer with a gateway response's headers and body as well."""

    @patch(GatewayExceptionHandler.create_exception_response)
    def create_exception_response(
        answer: Answer,
        self: GatewayExceptionHandler,
        exception: BaseGatewayException,
        context: RestApiInvocationContext,
    ) -> Response:
        response = answer(self, exception, context)
        assert context.deployment is not None, "an error before that has no gateway response"
        configured = get_gateway_response_or_default(
            exception.type, context.deployment.rest_api.gateway_responses
        )
        if configured is DEFAULT_GATEWAY_RESPONSES.get(exception.type):
            return response  # AWS's own words, which LocalStack knows.
        response.headers.update(static_headers(configured.get("responseParameters") or {}))
        template = (configured.get("responseTemplates") or {}).get(_TEMPLATE)
        if template is not None:
            response.set_data(_rendered(template, exception))
        return response


def static_headers(parameters: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers whose value is a constant, `'*'`; those taken from the request are not.

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
