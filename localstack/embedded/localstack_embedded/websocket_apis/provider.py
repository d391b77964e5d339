"""The operations of `apigatewayv2` that are not simply moto's."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from localstack import config
from localstack.aws.api import CommonServiceException, RequestContext, ServiceRequest, handler
from localstack.services.moto import call_moto
from moto.apigatewayv2.models import Api, apigatewayv2_backends
from moto.apigatewayv2.models import Route as MotoRoute
from moto.apigatewayv2.models import Stage as MotoStage

from localstack_embedded.websocket_apis.addresses import endpoint_of
from localstack_embedded.websocket_apis.deployments import DEPLOYMENTS, Deployment, route_table
from localstack_embedded.websocket_apis.events import utc_now
from localstack_embedded.websocket_apis.routing import function_arn_of, selection_path

type Answer = dict[str, Any]

# A stage's parameters, and moto's attributes for them.
_STAGE_ATTRIBUTES = {
    "AutoDeploy": "auto_deploy",
    "Description": "description",
    "StageVariables": "stage_variables",
    "DefaultRouteSettings": "default_route_settings",
    "RouteSettings": "route_settings",
    "AccessLogSettings": "access_log_settings",
}


class WebSocketApiProvider:
    """Moto answers all operations that are not here."""

    @handler("CreateApi", expand=False)
    def create_api(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        if wanted["ProtocolType"] != "WEBSOCKET":
            raise _bad_request("This engine has WebSocket APIs only, no HTTP APIs")
        _check_selection(wanted.get("RouteSelectionExpression") or "")
        created: Answer = dict(call_moto(context))
        api = _api(context, created)
        api.api_endpoint = endpoint_of(api.api_id, str(config.LOCALSTACK_HOST))
        return created | {"ApiEndpoint": api.api_endpoint}

    @handler("UpdateApi", expand=False)
    def update_api(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        if "RouteSelectionExpression" in wanted:
            _check_selection(wanted["RouteSelectionExpression"])
        return dict(call_moto(context))

    @handler("DeleteApi", expand=False)
    def delete_api(self, context: RequestContext, request: ServiceRequest) -> None:
        wanted: Mapping[str, Any] = request
        call_moto(context)
        DEPLOYMENTS.forget(wanted["ApiId"])

    @handler("CreateIntegration", expand=False)
    def create_integration(self, context: RequestContext, request: ServiceRequest) -> Answer:
        return _with_checked_integration(context, request)

    @handler("UpdateIntegration", expand=False)
    def update_integration(self, context: RequestContext, request: ServiceRequest) -> Answer:
        return _with_checked_integration(context, request)

    @handler("CreateRoute", expand=False)
    def create_route(self, context: RequestContext, request: ServiceRequest) -> Answer:
        return _with_checked_route(context, request)

    @handler("UpdateRoute", expand=False)
    def update_route(self, context: RequestContext, request: ServiceRequest) -> Answer:
        return _with_checked_route(context, request)

    @handler("GetRouteResponses", expand=False)
    def get_route_responses(self, context: RequestContext, request: ServiceRequest) -> Answer:
        responses = _route(context, request).route_responses.values()
        return {"Items": [_capitalized(response.to_json()) for response in responses]}

    @handler("UpdateRouteResponse", expand=False)
    def update_route_response(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        response = _route(context, wanted).route_responses.get(wanted["RouteResponseId"])
        if response is None:
            raise _not_found("route response", wanted["RouteResponseId"])
        response.route_response_key = wanted.get("RouteResponseKey") or response.route_response_key
        return _capitalized(response.to_json())

    @handler("CreateDeployment", expand=False)
    def create_deployment(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        api = _api(context, wanted)
        deployment = Deployment(route_table(api), wanted.get("Description") or "")
        stage_name = wanted.get("StageName")
        stage = _stage(api, stage_name) if stage_name else None
        DEPLOYMENTS.of(api.api_id)[deployment.deployment_id] = deployment
        if stage:
            stage.config["deploymentId"] = deployment.deployment_id
        return _describe_deployment(deployment)

    @handler("GetDeployment", expand=False)
    def get_deployment(self, context: RequestContext, request: ServiceRequest) -> Answer:
        return _describe_deployment(_deployment(context, request))

    @handler("GetDeployments", expand=False)
    def get_deployments(self, context: RequestContext, request: ServiceRequest) -> Answer:
        deployments = DEPLOYMENTS.of(_api(context, request).api_id)
        return {"Items": [_describe_deployment(found) for found in deployments.values()]}

    @handler("UpdateDeployment", expand=False)
    def update_deployment(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        deployment = replace(
            _deployment(context, wanted), description=wanted.get("Description") or ""
        )
        DEPLOYMENTS.of(wanted["ApiId"])[deployment.deployment_id] = deployment
        return _describe_deployment(deployment)

    @handler("DeleteDeployment", expand=False)
    def delete_deployment(self, context: RequestContext, request: ServiceRequest) -> None:
        api = _api(context, request)
        deployment_id = _deployment(context, request).deployment_id
        for stage in api.stages.values():
            if stage.config.get("deploymentId") == deployment_id and not stage.auto_deploy:
                raise _bad_request(
                    "Active stages pointing to this deployment must be moved or deleted"
                )
        del DEPLOYMENTS.of(api.api_id)[deployment_id]

    @handler("CreateStage", expand=False)
    def create_stage(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        api = _api(context, wanted)
        _check_stage(api, wanted)
        if wanted["StageName"] in api.stages:
            raise CommonServiceException(
                "ConflictException", "The stage exists already", status_code=409
            )
        call_moto(context)
        stage = _stage(api, wanted["StageName"])
        _change_stage(stage, wanted)
        return _describe_stage(stage)

    @handler("UpdateStage", expand=False)
    def update_stage(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        api = _api(context, wanted)
        stage = _stage(api, wanted["StageName"])
        _check_stage(api, wanted)
        _change_stage(stage, wanted)
        return _describe_stage(stage)

    @handler("GetStage", expand=False)
    def get_stage(self, context: RequestContext, request: ServiceRequest) -> Answer:
        wanted: Mapping[str, Any] = request
        return _describe_stage(_stage(_api(context, wanted), wanted["StageName"]))

    @handler("GetStages", expand=False)
    def get_stages(self, context: RequestContext, request: ServiceRequest) -> Answer:
        stages = _api(context, request).stages.values()
        return {"Items": [_describe_stage(stage) for stage in stages]}


def _with_checked_integration(context: RequestContext, request: ServiceRequest) -> Answer:
    wanted: Mapping[str, Any] = request
    if wanted.get("IntegrationType", "AWS_PROXY") != "AWS_PROXY":
        raise _bad_request("This engine has integrations of the type AWS_PROXY only")
    if "IntegrationUri" in wanted or "IntegrationId" not in wanted:
        try:
            function_arn_of(wanted.get("IntegrationUri") or "")
        except ValueError as exc:
            raise _bad_request(str(exc)) from exc
    return dict(call_moto(context))


def _with_checked_route(context: RequestContext, request: ServiceRequest) -> Answer:
    wanted: Mapping[str, Any] = request
    if wanted.get("AuthorizationType", "NONE") != "NONE":
        raise _bad_request("This engine has no authorizers: let the function of $connect decide")
    if wanted.get("ApiKeyRequired"):
        raise _bad_request("This engine has no API keys for WebSocket APIs")
    return dict(call_moto(context))


def _check_selection(expression: str) -> None:
    try:
        selection_path(expression)
    except ValueError as exc:
        raise _bad_request(str(exc)) from exc


def _check_stage(api: Api, wanted: Mapping[str, Any]) -> None:
    deployment_id = wanted.get("DeploymentId")
    if deployment_id and deployment_id not in DEPLOYMENTS.of(api.api_id):
        raise _not_found("deployment", deployment_id)


def _change_stage(stage: MotoStage, wanted: Mapping[str, Any]) -> None:
    if "DeploymentId" in wanted:
        stage.config["deploymentId"] = wanted["DeploymentId"]
    for name, attribute in _STAGE_ATTRIBUTES.items():
        if name in wanted:
            setattr(stage, attribute, wanted[name])
    stage.updated = utc_now()


def _api(context: RequestContext, request: Mapping[str, Any]) -> Api:
    backend = apigatewayv2_backends[context.account_id][context.region]
    api = backend.apis.get(request["ApiId"])
    if api is None:
        raise _not_found("API", request["ApiId"])
    return api


def _route(context: RequestContext, request: Mapping[str, Any]) -> MotoRoute:
    route = _api(context, request).routes.get(request["RouteId"])
    if route is None:
        raise _not_found("route", request["RouteId"])
    return route


def _stage(api: Api, name: str) -> MotoStage:
    stage = api.stages.get(name)
    if stage is None:
        raise _not_found("stage", name)
    return stage


def _deployment(context: RequestContext, request: Mapping[str, Any]) -> Deployment:
    deployments = DEPLOYMENTS.of(_api(context, request).api_id)
    deployment = deployments.get(request["DeploymentId"])
    if deployment is None:
        raise _not_found("deployment", request["DeploymentId"])
    return deployment


def _describe_deployment(deployment: Deployment) -> Answer:
    return {
        "AutoDeployed": False,
        "CreatedDate": deployment.created_at,
        "DeploymentId": deployment.deployment_id,
        "DeploymentStatus": "DEPLOYED",
        "Description": deployment.description,
    }


def _describe_stage(stage: MotoStage) -> Answer:
    described = _capitalized(stage.to_json())
    described |= {"CreatedDate": stage.created, "LastUpdatedDate": stage.updated}
    if deployment_id := stage.config.get("deploymentId"):
        described["DeploymentId"] = deployment_id
    return described


def _capitalized(described: Mapping[str, Any]) -> Answer:
    """Returns moto's description of something under the names of the service's model."""
    return {name[0].upper() + name[1:]: value for name, value in described.items()}


def _bad_request(message: str) -> CommonServiceException:
    return CommonServiceException("BadRequestException", message, status_code=400)


def _not_found(what: str, name: str) -> CommonServiceException:
    return CommonServiceException(
        "NotFoundException", f"Unable to find the {what} {name}", status_code=404
    )
