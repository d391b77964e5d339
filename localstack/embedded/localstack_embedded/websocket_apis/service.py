"""The service `apigatewayv2`: moto's, with deployments, and without what cannot be served.

What moto would accept and the data plane would ignore (an authorizer, an HTTP API) is refused: an
API must not be more open here than on AWS. LocalStack reads this module at its start, so the
function imports what takes long.
"""

from localstack.aws.skeleton import DispatchTable, Skeleton, create_dispatch_table
from localstack.aws.spec import load_service
from localstack.services.plugins import Service, aws_provider


@aws_provider(api="apigatewayv2", name="embedded")
def apigatewayv2() -> Service:
    from localstack.services.moto import call_moto  # noqa: PLC0415

    from localstack_embedded.websocket_apis.provider import (  # noqa: PLC0415
        WebSocketApiProvider,
    )

    model = load_service("apigatewayv2")
    moto: DispatchTable = {
        operation: lambda context, request: call_moto(context)
        for operation in model.operation_names
    }
    own = create_dispatch_table(WebSocketApiProvider())
    return Service("apigatewayv2", skeleton=Skeleton(model, moto | own))
