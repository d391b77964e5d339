"""How CloudFormation updates a stack: what it replaces, what it reports, how often it looks."""

from collections.abc import Callable
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
)
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocResource
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProviderExecutor,
)

from localstack_embedded.patches import patch

type Execute = Callable[[ChangeSetModelExecutor, str, object, object], None]
type ExecuteAction = Callable[..., ProgressEvent[Any]]

_POLL_SECONDS = 0.01


@patch(
    ChangeSetModelExecutor._execute_resource_change,
    source="0515307288eff770",
    test="unit/localstack_embedded/engine_checks.py::test_a_resource_is_replaced_only_for_a_new_value",
)
def execute_resource_change(
    execute: Execute, self: ChangeSetModelExecutor, name: str, before: object, after: object
) -> None:
    """Replaces a resource only if a property that its creation alone can set has another value.

    LocalStack also replaces it if such a value refers to a resource that changes in any way: a new
    environment variable of a function would create its log group again, which fails.
    """
    if isinstance(before, PreprocResource) and isinstance(after, PreprocResource):
        after.requires_replacement = after.requires_replacement and any(
            before.properties.properties.get(key) != after.properties.properties.get(key)
            for key in _create_only_properties(after.resource_type)
        )
    execute(self, name, before, after)


@patch(
    ResourceProviderExecutor.execute_action,
    source="ff3ae06237cac589",
    test="unit/localstack_embedded/engine_checks.py::test_a_failed_update_says_why",
)
def execute_action(
    execute: ExecuteAction, self: ResourceProviderExecutor, *arguments: Any
) -> ProgressEvent[Any]:
    """Reports why an update failed; LocalStack says "Failed to delete resource"."""
    event = execute(self, *arguments)
    if event.status is OperationStatus.FAILED and event.custom_context:
        event.message = str(event.custom_context.get("exception", event.message))
    return event


@patch(
    ResourceProviderExecutor.deploy_loop,
    source="56edc28d15f01244",
    test="unit/localstack_embedded/engine_checks.py::test_a_resource_is_polled_often",
)
def deploy_loop(
    deploy: ExecuteAction, self: ResourceProviderExecutor, *arguments: Any
) -> ProgressEvent[Any]:
    """Looks again after 10 ms whether a resource is ready; LocalStack waits for a second.

    A stack has many functions, and each is active some milliseconds after its creation.
    """
    return deploy(self, *arguments, sleep_time=_POLL_SECONDS)


def _create_only_properties(resource_type: str) -> list[str]:
    provider = ResourceProviderExecutor.try_load_resource_provider(resource_type)
    pointers = provider.SCHEMA.get("createOnlyProperties", []) if provider else []
    return [pointer.removeprefix("/properties/") for pointer in pointers]
