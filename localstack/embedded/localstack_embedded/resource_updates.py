"""Changes to resources that LocalStack's CloudFormation can make but not change.

It would say that all went well, and leave the resource as it was.
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
from localstack.utils.patch import patch

from localstack_embedded.dynamodb.tables import missing_indexes

type Request = ResourceRequest[Any]
type Progress = ProgressEvent[Any]


def complete_updates() -> None:
    """Lets a deployment change rules, and add indexes to tables."""

    @patch(EventsRuleProvider.update)
    def update_rule(_: object, self: EventsRuleProvider, request: Request) -> Progress:
        before: Mapping[str, Any] = request.previous_state or {}
        after: dict[str, Any] = request.desired_state
        name = after["Name"] = extract_rule_name(before["Id"])
        bus = {"EventBusName": after["EventBusName"]} if after.get("EventBusName") else {}
        events = request.aws_client_factory.events
        targets = [target["Id"] for target in before.get("Targets") or ()]
        kept = {target["Id"] for target in after.get("Targets") or ()}
        if "ScheduleExpression" in before:
            # The old schedule would go on beside the new one, for as long as the rule has targets.
            kept = set()
        gone = [target for target in targets if target not in kept]
        if gone:
            events.remove_targets(Rule=name, Ids=gone, **bus)
        if "ScheduleExpression" in before:
            events.delete_rule(Name=name, **bus)
        # What makes a rule and its targets changes them where they exist.
        progress: Progress = self.create(request)
        return progress

    @patch(DynamoDBTableProvider.update)
    def update_table(
        refuse: Callable[..., Progress], self: DynamoDBTableProvider, request: Request
    ) -> Progress:
        before: Mapping[str, Any] = request.previous_state or {}
        after: dict[str, Any] = request.desired_state
        missing = missing_indexes(after, before)
        if not missing:
            return refuse(self, request)  # LocalStack warns in its log.
        for index in missing:
            request.aws_client_factory.dynamodb.update_table(
                TableName=after["TableName"],
                AttributeDefinitions=after["AttributeDefinitions"],
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )
        made = {name: before[name] for name in ("Arn", "StreamArn") if name in before}
        return ProgressEvent(OperationStatus.SUCCESS, resource_model=after | made)
