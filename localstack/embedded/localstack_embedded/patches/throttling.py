"""API Gateway: the limits that a stage sets for its methods, and 429 above them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localstack.services.apigateway.next_gen.execute_api.context import RestApiInvocationContext
from localstack.services.apigateway.next_gen.execute_api.gateway_response import ThrottledError
from localstack.services.apigateway.next_gen.execute_api.handlers import preprocess_request
from localstack.services.apigateway.resource_providers.aws_apigateway_stage import (
    ApiGatewayStageProvider,
)
from localstack.services.cloudformation.resource_provider import ProgressEvent, ResourceRequest
from rolo import Response

from localstack_embedded.patches import patch
from localstack_embedded.throttling import (
    DEFAULT_BURST,
    DEFAULT_RATE,
    Throttle,
    limit_of,
    setting_key,
)

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]

_RATE = "ThrottlingRateLimit"
_BURST = "ThrottlingBurstLimit"
_PATHS = {_RATE: "throttling/rateLimit", _BURST: "throttling/burstLimit"}
_DEFAULTS = {_RATE: DEFAULT_RATE, _BURST: DEFAULT_BURST}


@patch(ApiGatewayStageProvider.create, source="7e638bf0", test="test_a_new_stage_has_its_limits")
def create_stage(
    create: Callable[..., Progress], self: ApiGatewayStageProvider, request: Request
) -> Progress:
    """Sets the limits of `MethodSettings`, which LocalStack leaves out."""
    event = create(self, request)
    assert event.resource_model
    operations = limit_operations({}, event.resource_model)
    if operations:
        request.aws_client_factory.apigateway.update_stage(
            restApiId=event.resource_model["RestApiId"],
            stageName=event.resource_model["StageName"],
            patchOperations=operations,
        )
    return event


def limit_operations(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """Returns the operations that take a stage from the limits of one model to another's.

    LocalStack has no operation that removes a method's limit: it gets the one that is next.
    """
    wanted = _limits(after)
    gone = {key: _next(wanted, key) for key in _limits(before)}
    return [
        {"op": "replace", "path": f"/{key}/{_PATHS[name]}", "value": str(value)}
        for key, limits in (gone | wanted).items()
        for name, value in limits.items()
    ]


def _next(limits: Mapping[str, Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    path, _, method = key.rpartition("/")
    nearest = (f"{path}/*", f"*/{method}", "*/*")
    return next((limits[other] for other in nearest if other in limits), _DEFAULTS)


def _limits(model: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    settings: Iterable[Mapping[str, Any]] = model.get("MethodSettings") or ()
    return {
        setting_key(setting["ResourcePath"], setting["HttpMethod"]): {
            name: setting.get(name, default) for name, default in _DEFAULTS.items()
        }
        for setting in settings
        if _RATE in setting or _BURST in setting
    }


class MethodThrottle:
    """Refuses what exceeds a method's limit, once LocalStack knows which method it is."""

    def __init__(self) -> None:
        self._throttle = Throttle()

    def __call__(
        self,
        chain: object,
        context: RestApiInvocationContext,
        response: Response,
    ) -> None:
        """Raises ThrottledError, which the gateway response THROTTLED answers."""
        assert context.stage_configuration
        assert context.resource
        path, method = context.resource.get("path") or "/", context.request.method
        limit = limit_of(context.stage_configuration.get("methodSettings") or {}, path, method)
        if limit is None:
            return
        if not self._throttle.admits((context.api_id, context.stage, path, method), limit):
            raise ThrottledError("Too Many Requests")


preprocess_request.append(MethodThrottle())
