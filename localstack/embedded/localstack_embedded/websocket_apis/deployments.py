"""What the stages of WebSocket APIs serve: frozen deployments, or the routes as they are.

moto keeps APIs, routes, integrations and stages. It knows no deployments; they are kept here.
"""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.apigatewayv2.models import Api, apigatewayv2_backends
from moto.apigatewayv2.models import Route as MotoRoute

from localstack_embedded.throttling import DEFAULT_BURST, DEFAULT_RATE, Limit
from localstack_embedded.websocket_apis.addresses import Address
from localstack_embedded.websocket_apis.events import utc_now
from localstack_embedded.websocket_apis.gateway import Stage
from localstack_embedded.websocket_apis.routing import (
    Route,
    RouteTable,
    function_arn_of,
    selection_path,
)

# AWS's longest timeout, and its default, in milliseconds; moto's is a second longer.
_MAX = 29_000


@dataclass(frozen=True, slots=True)
class Deployment:
    """An API's routes at the time of its creation."""

    table: RouteTable
    description: str
    created_at: datetime = field(default_factory=utc_now)
    deployment_id: str = field(
        default_factory=lambda: "".join(
            secrets.choice(string.ascii_lowercase + string.digits) for _ in range(6)
        )
    )


class Deployments:
    """The deployments of all APIs, and the stages that serve them."""

    def __init__(self) -> None:
        self._deployments: dict[str, dict[str, Deployment]] = {}

    def of(self, api_id: str) -> dict[str, Deployment]:
        """Returns an API's deployments by their ids."""
        return self._deployments.setdefault(api_id, {})

    def forget(self, api_id: str) -> None:
        """Drops the deployments of an API that is deleted."""
        self._deployments.pop(api_id, None)

    def find(self, address: Address) -> Stage | None:
        """Returns what a stage serves now; None where there is none, or nothing is deployed."""
        api = find_api(address.api_id)
        stage = api.stages.get(address.stage) if api else None
        if api is None or stage is None:
            return None
        if stage.auto_deploy:
            table = route_table(api)
        else:
            deployment = self.of(address.api_id).get(stage.config.get("deploymentId", ""))
            if deployment is None:
                return None
            table = deployment.table
        return Stage(
            table,
            domain_name_of(api),
            stage.stage_variables or {},
            limits={
                key: limit
                for key, settings in (stage.route_settings or {}).items()
                if (limit := _limit(settings))
            },
            limit=_limit(stage.default_route_settings or {}),
        )


def find_api(api_id: str) -> Api | None:
    """Looks for a WebSocket API in all accounts and regions."""
    for regions in list(apigatewayv2_backends.values()):
        for backend in list(regions.values()):
            api: Api | None = backend.apis.get(api_id)
            if api is not None:
                return api
    return None


def domain_name_of(api: Api) -> str:
    """Returns an API's host, as AWS names it."""
    return f"{api.api_id}.execute-api.{api.backend.region_name}.amazonaws.com"


def route_table(api: Api) -> RouteTable:
    """Returns an API's routes as they are now. Raises ValueError for what is not supported."""
    routes = [_route(api, route) for route in api.get_routes()]
    return RouteTable(
        selection_path(api.route_selection_expression),
        {route.key: route for route in routes if route is not None},
    )


def _limit(settings: Mapping[str, Any]) -> Limit | None:
    rate, burst = settings.get("ThrottlingRateLimit"), settings.get("ThrottlingBurstLimit")
    if rate is None and burst is None:
        return None
    return Limit(
        rate=DEFAULT_RATE if rate is None else float(rate),
        burst=DEFAULT_BURST if burst is None else int(burst),
    )


def _route(api: Api, route: MotoRoute) -> Route | None:
    """Returns a route; None where it has no integration, so that nothing can be called."""
    integration = api.integrations.get((route.target or "").removeprefix("integrations/"))
    if integration is None:
        return None
    return Route(
        key=route.route_key,
        function_arn=function_arn_of(integration.integration_uri),
        timeout_seconds=min(integration.timeout_in_millis or _MAX, _MAX) / 1000,
        is_two_way=bool(route.route_response_selection_expression or route.route_responses),
    )


DEPLOYMENTS = Deployments()
