"""Lets a deployment change a resource without replacing what refers to it, and say what failed.

CloudFormation replaces a resource when a property that only its creation can set has another value.
LocalStack already does so when that value refers to a resource that changes in any way: a function
with a new environment variable would have its log group created again, which fails.
"""

from collections.abc import Callable
from typing import Any

from localstack.runtime import hooks
from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
)
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocResource
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProviderExecutor,
)
from localstack.utils.patch import patch

from localstack_embedded.resource_updates import complete_updates

type Execute = Callable[[ChangeSetModelExecutor, str, object, object], None]
_POLL_SECONDS = 0.01

type ExecuteAction = Callable[..., ProgressEvent[Any]]


@hooks.on_infra_start()
def improve_updates() -> None:
    """Makes LocalStack compare the values, which are known by the time of the update."""
    complete_updates()

    @patch(ChangeSetModelExecutor._execute_resource_change)
    def execute_resource_change(
        execute: Execute, self: ChangeSetModelExecutor, name: str, before: object, after: object
    ) -> None:
        if isinstance(before, PreprocResource) and isinstance(after, PreprocResource):
            after.requires_replacement = after.requires_replacement and any(
                before.properties.properties.get(key) != after.properties.properties.get(key)
                for key in _create_only_properties(after.resource_type)
            )
        execute(self, name, before, after)

    @patch(ResourceProviderExecutor.execute_action)
    def execute_action(
        execute: ExecuteAction, self: ResourceProviderExecutor, *arguments: Any
    ) -> ProgressEvent[Any]:
        event = execute(self, *arguments)
        # LocalStack words every failed update as a failed deletion and keeps the reason to itself.
        if event.status is OperationStatus.FAILED and event.custom_context:
            event.message = str(event.custom_context.get("exception", event.message))
        return event

    @patch(ResourceProviderExecutor.deploy_loop)
    def deploy_loop(
        deploy: ExecuteAction, self: ResourceProviderExecutor, *arguments: Any
    ) -> ProgressEvent[Any]:
        # A function is active some milliseconds after it was created, and there are many of them:
        # LocalStack would look again after a second.
        return deploy(self, *arguments, sleep_time=_POLL_SECONDS)


def _create_only_properties(resource_type: str) -> list[str]:
    provider = ResourceProviderExecutor.try_load_resource_provider(resource_type)
    pointers = provider.SCHEMA.get("createOnlyProperties", []) if provider else []
    return [pointer.removeprefix("/properties/") for pointer in pointers]
