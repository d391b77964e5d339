"""Updates of resources that LocalStack's CloudFormation creates but does not update.

It reports success and leaves the resource as it was.
"""

from collections.abc import Callable, Mapping
from typing import Any

from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceRequest,
)
from localstack.services.dynamodb.resource_providers.aws_dynamodb_table import DynamoDBTableProvider
from localstack.services.events.resource_providers.aws_events_rule import (
    EventsRuleProvider,
    extract_rule_name,
)

from localstack_embedded.dynamodb.tables import missing_indexes
from localstack_embedded.patches import patch

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]


@patch(
    EventsRuleProvider.update,
    source="59374c805db24fee",
    test="integration/engine/test_updates.py::test_a_rule_gets_its_new_pattern_and_targets",
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
    source="55e32368e19055f0",
    test="integration/engine/test_updates.py::test_a_table_gets_its_new_index_and_keeps_its_items",
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
