"""The service `apigatewayv2`: moto's, with deployments, and without what cannot be served.

What moto would accept and the data plane would ignore (an authorizer, an HTTP API) is refused: an
API must not be more open here than on AWS. LocalStack reads this module at its start, so the
function imports what takes long.
"""

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="apigatewayv2", name="embedded")
def apigatewayv2() -> Service:
    from localstack.services.moto import MotoFallbackDispatcher  # noqa: PLC0415

    from localstack_embedded.websocket_apis.provider import (  # noqa: PLC0415
        WebSocketApiProvider,
    )

    return Service.for_provider(
        WebSocketApiProvider(), dispatch_table_factory=MotoFallbackDispatcher
    )
