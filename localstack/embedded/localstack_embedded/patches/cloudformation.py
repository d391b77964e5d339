"""CloudFormation: what an update replaces and reports, and resources that LocalStack lacks.

LocalStack creates rules and tables but does not update them: it reports success and leaves the
resource as it was. It knows the name of `AWS::SES::EmailIdentity` only.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.cloudformation.engine.v2.change_set_model_executor import (
    ChangeSetModelExecutor,
)
from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocResource
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProviderExecutor,
    ResourceRequest,
)
from localstack.services.dynamodb.resource_providers.aws_dynamodb_table import DynamoDBTableProvider
from localstack.services.events.resource_providers.aws_events_rule import (
    EventsRuleProvider,
    extract_rule_name,
)
from localstack.services.ses.resource_providers.aws_ses_emailidentity import (
    SESEmailIdentityProvider,
)

from localstack_embedded.dynamodb.tables import missing_indexes
from localstack_embedded.patches import patch

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]

_POLL_SECONDS = 0.01


@patch(
    ChangeSetModelExecutor._execute_resource_change,
    source="05153072",
    test="test_a_resource_is_replaced_only_for_a_new_value",
)
def execute_resource_change(
    execute: Callable[..., None],
    self: ChangeSetModelExecutor,
    name: str,
    before: object,
    after: object,
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
    ResourceProviderExecutor.execute_action, source="ff3ae062", test="test_a_failed_update_says_why"
)
def execute_action(
    execute: Callable[..., Progress], self: ResourceProviderExecutor, *arguments: Any
) -> Progress:
    """Reports why an update failed; LocalStack says "Failed to delete resource"."""
    event = execute(self, *arguments)
    if event.status is OperationStatus.FAILED and event.custom_context:
        event.message = str(event.custom_context.get("exception", event.message))
    return event


@patch(
    ResourceProviderExecutor.deploy_loop, source="56edc28d", test="test_a_resource_is_polled_often"
)
def deploy_loop(
    deploy: Callable[..., Progress], self: ResourceProviderExecutor, *arguments: Any
) -> Progress:
    """Looks again after 10 ms whether a resource is ready; LocalStack waits for a second.

    A stack has many functions, and each is active some milliseconds after its creation.
    """
    return deploy(self, *arguments, sleep_time=_POLL_SECONDS)


def _create_only_properties(resource_type: str) -> list[str]:
    provider = ResourceProviderExecutor.try_load_resource_provider(resource_type)
    pointers = provider.SCHEMA.get("createOnlyProperties", []) if provider else []
    return [pointer.removeprefix("/properties/") for pointer in pointers]


@patch(
    EventsRuleProvider.update,
    source="59374c80",
    test="test_a_rule_gets_its_new_pattern_and_targets",
)
def update_rule(_: object, self: EventsRuleProvider, request: Request) -> Progress:
    """Changes a rule's pattern or schedule, and its targets."""
    before: Mapping[str, Any] = request.previous_state or {}
    after: dict[str, Any] = request.desired_state
    name = after["Name"] = extract_rule_name(before["Id"])
    bus = {"EventBusName": after["EventBusName"]} if after.get("EventBusName") else {}
    events = request.aws_client_factory.events
    kept = {target["Id"] for target in after.get("Targets") or ()}
    if "ScheduleExpression" in before:
        # The old schedule stays in force beside the new one for as long as the rule has targets.
        kept = set()
    gone = [target["Id"] for target in before.get("Targets") or () if target["Id"] not in kept]
    if gone:
        events.remove_targets(Rule=name, Ids=gone, **bus)
    if "ScheduleExpression" in before:
        events.delete_rule(Name=name, **bus)
    # Creating a rule and its targets changes them where they exist.
    progress: Progress = self.create(request)
    return progress


@patch(
    DynamoDBTableProvider.update,
    source="55e32368",
    test="test_a_table_gets_its_new_index_and_keeps_its_items",
)
def update_table(
    refuse: Callable[..., Progress], self: DynamoDBTableProvider, request: Request
) -> Progress:
    """Adds indexes to a table; any other change stays refused, which LocalStack logs."""
    before: Mapping[str, Any] = request.previous_state or {}
    after: dict[str, Any] = request.desired_state
    missing = missing_indexes(after, before)
    if not missing:
        return refuse(self, request)
    for index in missing:
        request.aws_client_factory.dynamodb.update_table(
            TableName=after["TableName"],
            AttributeDefinitions=after["AttributeDefinitions"],
            GlobalSecondaryIndexUpdates=[{"Create": index}],
        )
    made = {name: before[name] for name in ("Arn", "StreamArn") if name in before}
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=after | made)


@patch(
    SESEmailIdentityProvider.create,
    source="aabb4b1f",
    test="test_a_stack_has_its_email_address_verified",
)
def create_email_identity(_: object, self: SESEmailIdentityProvider, request: Request) -> Progress:
    """Verifies a stack's address, as its owner does on AWS; LocalStack fails."""
    address = request.desired_state["EmailIdentity"]
    request.aws_client_factory.ses.verify_email_identity(EmailAddress=address)
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)


@patch(
    SESEmailIdentityProvider.delete,
    source="ea16867c",
    test="test_a_deleted_stack_has_its_email_address_deleted",
)
def delete_email_identity(_: object, self: SESEmailIdentityProvider, request: Request) -> Progress:
    """Deletes the address together with its stack; LocalStack fails."""
    address = request.desired_state["EmailIdentity"]
    request.aws_client_factory.ses.delete_identity(Identity=address)
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=request.desired_state)
