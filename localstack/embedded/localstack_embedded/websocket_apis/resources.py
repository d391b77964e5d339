"""The CloudFormation resources of WebSocket APIs.

Their properties have the names of the API's parameters, so one provider serves all types; a type is
its schema and the names of its operations.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_ApiGatewayV2.html
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceRequest,
)

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]
type Properties = dict[str, Any]


class WebSocketApiResource(ResourceProvider[Any]):
    """A resource that is created, updated and deleted by operations named after it.

    Attributes:
        PARENTS: the properties that say where it belongs; another value replaces the resource.
        ID: the property that `Ref` returns.
        ATTRIBUTES: what `Fn::GetAtt` returns besides.
    """

    NOUN: ClassVar[str]
    PARENTS: ClassVar[tuple[str, ...]] = ("ApiId",)
    ID: ClassVar[str]
    ATTRIBUTES: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # A stage's id is the name that its owner gives it; the others are the API's.
        named, numbered = ([cls.ID], []) if cls.ID.endswith("Name") else ([], [cls.ID])
        cls.SCHEMA = {
            "typeName": f"AWS::ApiGatewayV2::{cls.NOUN}",
            "primaryIdentifier": _pointers(cls.ID),
            "createOnlyProperties": _pointers(*cls.PARENTS, *named),
            "readOnlyProperties": _pointers(*cls.ATTRIBUTES, *numbered),
        }

    def create(self, request: Request) -> Progress:
        return self._put(request, "Create", request.desired_state)

    def update(self, request: Request) -> Progress:
        before: Mapping[str, Any] = request.previous_state or {}
        made = {name: before[name] for name in (self.ID, *self.ATTRIBUTES) if name in before}
        return self._put(request, "Update", request.desired_state | made)

    def delete(self, request: Request) -> Progress:
        client = request.aws_client_factory.apigatewayv2
        names = (*self.PARENTS, self.ID)
        keys = {name: request.desired_state[name] for name in names}
        # What an API's deletion has taken along is gone already.
        with suppress(client.exceptions.NotFoundException):
            self._operation(client, "Delete")(**keys)
        return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)

    def _put(self, request: Request, verb: str, properties: Properties) -> Progress:
        client = request.aws_client_factory.apigatewayv2
        known = client.meta.service_model.operation_model(f"{verb}{self.NOUN}").input_shape.members
        unknown = properties.keys() - known - {*self.ATTRIBUTES, *self._fixed(verb)}
        if unknown:
            raise ValueError(f"{self.SCHEMA['typeName']} has no {', '.join(sorted(unknown))} here")
        wanted = {name: value for name, value in properties.items() if name in known}
        answer = self._operation(client, verb)(**wanted)
        made = {name: answer[name] for name in (self.ID, *self.ATTRIBUTES)}
        return ProgressEvent(OperationStatus.SUCCESS, resource_model=properties | made)

    def _fixed(self, verb: str) -> set[str]:
        """Returns the properties that an update leaves as they are."""
        return {"Tags", "ProtocolType", "StageName"} if verb == "Update" else set()

    def _operation(self, client: Any, verb: str) -> Callable[..., Any]:
        words = "".join(f"_{c.lower()}" if c.isupper() else c for c in self.NOUN)
        operation: Callable[..., Any] = getattr(client, verb.lower() + words)
        return operation


def _pointers(*properties: str) -> list[str]:
    return [f"/properties/{name}" for name in properties]


class Api(WebSocketApiResource):
    NOUN = "Api"
    PARENTS = ()
    ID = "ApiId"
    ATTRIBUTES = ("ApiEndpoint",)


class Integration(WebSocketApiResource):
    NOUN = "Integration"
    ID = "IntegrationId"


class Route(WebSocketApiResource):
    NOUN = "Route"
    ID = "RouteId"


class RouteResponse(WebSocketApiResource):
    NOUN = "RouteResponse"
    PARENTS = ("ApiId", "RouteId")
    ID = "RouteResponseId"


class Deployment(WebSocketApiResource):
    NOUN = "Deployment"
    ID = "DeploymentId"


class Stage(WebSocketApiResource):
    NOUN = "Stage"
    ID = "StageName"
