"""Registers the CloudFormation resources with LocalStack, which loads them when one is used."""

from typing import Any

from localstack.services.cloudformation.resource_provider import (
    CloudFormationResourceProviderPlugin,
    ResourceProvider,
)


class _Plugin(CloudFormationResourceProviderPlugin):
    factory: type[ResourceProvider[Any]] | None = None

    def load(self, *args: object, **kwargs: object) -> None:
        from localstack_embedded.websocket_apis import resources  # noqa: PLC0415

        self.factory = getattr(resources, self.name.rpartition("::")[2])


class ApiPlugin(_Plugin):
    name = "AWS::ApiGatewayV2::Api"


class DeploymentPlugin(_Plugin):
    name = "AWS::ApiGatewayV2::Deployment"


class IntegrationPlugin(_Plugin):
    name = "AWS::ApiGatewayV2::Integration"


class RoutePlugin(_Plugin):
    name = "AWS::ApiGatewayV2::Route"


class RouteResponsePlugin(_Plugin):
    name = "AWS::ApiGatewayV2::RouteResponse"


class StagePlugin(_Plugin):
    name = "AWS::ApiGatewayV2::Stage"
