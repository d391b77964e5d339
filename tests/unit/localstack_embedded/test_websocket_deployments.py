"""What the stages of a WebSocket API serve."""

from typing import Any

import pytest
from moto.apigatewayv2.models import Api, ApiGatewayV2Backend, apigatewayv2_backends

from localstack_embedded.throttling import Limit
from localstack_embedded.websocket_apis.addresses import Address
from localstack_embedded.websocket_apis.deployments import Deployment, Deployments, route_table

FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:chat"


@pytest.fixture
def backend() -> ApiGatewayV2Backend:
    """The control plane of one account and region."""
    backend: ApiGatewayV2Backend = apigatewayv2_backends["111122223333"]["eu-west-1"]
    return backend


@pytest.fixture
def api(backend: ApiGatewayV2Backend) -> Api:
    return backend.create_api(
        api_key_selection_expression="",
        cors_configuration="",
        description="",
        disable_schema_validation="",
        disable_execute_api_endpoint="",
        name="chat",
        protocol_type="WEBSOCKET",
        route_selection_expression="$request.body.action",
        tags={},
        version="",
    )


def add_route(api: Api, key: str, *, timeout: str | None = None, **changes: Any) -> Any:
    integration = api.create_integration(
        connection_type="INTERNET",
        description="",
        integration_method="POST",
        integration_type="AWS_PROXY",
        integration_uri=FUNCTION,
        timeout_in_millis=timeout,
    )
    given = {
        "api_key_required": False,
        "authorization_scopes": [],
        "route_key": key,
        "target": f"integrations/{integration.id}",
    }
    return api.create_route(**given | changes)


def add_stage(api: Api, **config: Any) -> Address:
    api.create_stage({"stageName": "live"} | config)
    return Address(api.api_id, "live")


def test_a_stage_that_deploys_itself_serves_the_routes_as_they_are(api: Api) -> None:
    deployments = Deployments()
    address = add_stage(api, autoDeploy=True, stageVariables={"table": "chat"})

    add_route(api, "join", timeout="1500")

    stage = deployments.find(address)
    assert stage is not None
    assert stage.variables == {"table": "chat"}
    assert stage.domain_name == f"{api.api_id}.execute-api.eu-west-1.amazonaws.com"
    route = stage.table.routes["join"]
    assert (route.function_arn, route.timeout_seconds) == (FUNCTION, 1.5)


def test_another_serves_those_of_its_deployment(api: Api) -> None:
    deployments = Deployments()
    add_route(api, "join")
    deployment = Deployment(route_table(api), "the first")
    deployments.of(api.api_id)[deployment.deployment_id] = deployment
    address = add_stage(api, deploymentId=deployment.deployment_id)

    add_route(api, "leave")

    stage = deployments.find(address)
    assert stage is not None
    assert stage.table.routes.keys() == {"join"}


def test_a_stage_has_limits_for_each_route_and_for_single_ones(api: Api) -> None:
    address = add_stage(
        api,
        autoDeploy=True,
        defaultRouteSettings={"ThrottlingRateLimit": 5.0, "ThrottlingBurstLimit": 10},
        routeSettings={"join": {"ThrottlingRateLimit": 1.0}, "leave": {"LoggingLevel": "INFO"}},
    )

    stage = Deployments().find(address)

    assert stage is not None
    assert stage.limit == Limit(5, 10)
    assert stage.limits == {"join": Limit(1, 5000)}


def test_nothing_is_served_before_anything_is_deployed(api: Api) -> None:
    assert Deployments().find(add_stage(api)) is None


def test_nothing_is_served_at_an_unknown_stage_or_api(api: Api) -> None:
    add_stage(api, autoDeploy=True)

    assert Deployments().find(Address(api.api_id, "other")) is None
    assert Deployments().find(Address("other", "live")) is None


def test_a_function_is_waited_for_as_long_as_aws_waits(api: Api) -> None:
    add_route(api, "join")

    assert route_table(api).routes["join"].timeout_seconds == 29


@pytest.mark.parametrize("how", ["selection expression", "route response"])
def test_a_route_answers_where_it_has_a_response(api: Api, how: str) -> None:
    if how == "selection expression":
        add_route(api, "ask", route_response_selection_expression="$default")
    else:
        add_route(api, "ask").create_route_response("$default", "", "")
    add_route(api, "join")

    routes = route_table(api).routes

    assert routes["ask"].is_two_way
    assert not routes["join"].is_two_way


def test_a_route_without_an_integration_is_not_served(api: Api) -> None:
    add_route(api, "join", target=None)

    assert not route_table(api).routes
