"""What a deployment to a running engine changes."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.waiting import eventually

type Template = dict[str, Any]

TABLE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "SSESpecification": {"SSEEnabled": True},
}
INDEX = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "open", "AttributeType": "S"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "open",
            "KeySchema": [{"AttributeName": "open", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
}


@pytest.fixture
def deploy(aws: Callable[[str], Any]) -> Iterator[Callable[[Template], None]]:
    """Makes a stack of the test's own what its resources say."""
    cloudformation = aws("cloudformation")
    name = f"test-{uuid.uuid4().hex[:12]}"
    deployed: list[Template] = []

    def act(resources: Template) -> None:
        operation = cloudformation.update_stack if deployed else cloudformation.create_stack
        operation(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
        deployed.append(resources)
        eventually(
            lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            until=("UPDATE_COMPLETE" if len(deployed) > 1 else "CREATE_COMPLETE").__eq__,
        )

    yield act
    cloudformation.delete_stack(StackName=name)


def test_a_rule_gets_its_new_pattern_and_targets(
    aws: Callable[[str], Any], deploy: Callable[[Template], None]
) -> None:
    # Given a rule on a bus, with two targets
    bus = f"test-{uuid.uuid4().hex[:12]}"
    queue = "arn:aws:sqs:us-east-1:000000000000:test"

    def resources(sources: list[str], targets: list[str]) -> Template:
        rule = {
            "EventBusName": {"Ref": "Bus"},
            "EventPattern": {"source": sources},
            "Targets": [{"Id": target, "Arn": queue} for target in targets],
        }
        return {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": bus}},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
        }

    deploy(resources(["inventory"], ["kept", "dropped"]))

    # When it is deployed with another pattern and other targets
    deploy(resources(["inventory", "shipping"], ["kept", "added"]))

    # Then it is the same rule with these
    (rule,) = aws("events").list_rules(EventBusName=bus)["Rules"]
    targets = aws("events").list_targets_by_rule(EventBusName=bus, Rule=rule["Name"])["Targets"]
    assert json.loads(rule["EventPattern"]) == {"source": ["inventory", "shipping"]}
    assert sorted(target["Id"] for target in targets) == ["added", "kept"]


def test_a_rule_gets_its_new_schedule(
    aws: Callable[[str], Any], deploy: Callable[[Template], None]
) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"

    def resources(schedule: str) -> Template:
        target = {"Id": "kept", "Arn": "arn:aws:sqs:us-east-1:000000000000:test"}
        rule = {"Name": name, "ScheduleExpression": schedule, "Targets": [target]}
        return {"Rule": {"Type": "AWS::Events::Rule", "Properties": rule}}

    deploy(resources("rate(1 hour)"))
    deploy(resources("rate(2 hours)"))

    rule = aws("events").describe_rule(Name=name)
    (target,) = aws("events").list_targets_by_rule(Rule=name)["Targets"]
    assert (rule["ScheduleExpression"], target["Id"]) == ("rate(2 hours)", "kept")


def test_a_table_gets_its_new_index_and_keeps_its_items(
    aws: Callable[[str], Any], deploy: Callable[[Template], None]
) -> None:
    # Given a table with an item
    name = f"test-{uuid.uuid4().hex[:12]}"
    table = {"TableName": name, **TABLE}
    deploy({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}})
    aws("dynamodb").put_item(TableName=name, Item={"pk": {"S": "a"}, "open": {"S": "Y"}})

    # When it is deployed with an index
    deploy({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table | INDEX}})

    # Then the item is in the index
    found = aws("dynamodb").scan(TableName=name, IndexName="open")["Items"]
    assert found == [{"pk": {"S": "a"}, "open": {"S": "Y"}}]
