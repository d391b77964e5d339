"""Lets a deployment change a resource without replacing those that refer to it.

CloudFormation replaces a resource when a property that only its creation can set has another value.
LocalStack already does so when that value refers to a resource that changes in any way: a function
with a new environment variable would have its log group created again, which fails.
"""

from collections.abc import Callable

from localstack.runtime import hooks
from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
)
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocResource
from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor
from localstack.utils.patch import patch

type Execute = Callable[[ChangeSetModelExecutor, str, object, object], None]


@hooks.on_infra_start()
def replace_only_what_must_be() -> None:
    """Makes LocalStack compare the values, which are known by the time it updates the resource."""

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


def _create_only_properties(resource_type: str) -> list[str]:
    provider = ResourceProviderExecutor.try_load_resource_provider(resource_type)
    pointers = provider.SCHEMA.get("createOnlyProperties", []) if provider else []
    return [pointer.removeprefix("/properties/") for pointer in pointers]
