"""Every command finds its stack by name, on AWS as on this machine."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from click.testing import CliRunner

from sagashop_ops import local
from sagashop_ops.aws import Deployment, shared_aws, table_of
from sagashop_ops.errors import LocalOnly, UnknownStack
from sagashop_ops.journal import read_operations
from sagashop_ops.mail import sent_mail
from sagashop_ops.main import cli
from sagashop_ops.sessions import Session, session_file
from support.operators import FakeSqs, a_stack
from support.template import table_definition

REGION = "eu-west-1"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:shop-order-saga"


OUTPUTS = {
    "ApiId": "abc",
    "ApiUrl": "https://abc.execute-api.eu-west-1.amazonaws.com/v1",
    "WebSocketUrl": "wss://def.execute-api.eu-west-1.amazonaws.com/live",
    "StorefrontBucket": "shop-storefront",
    "StorefrontUrl": "http://shop-storefront.s3-website-eu-west-1.amazonaws.com",
    "EventBusName": "shop-events",
    "StateMachineArn": MACHINE,
    "OperationsTable": "shop-operations",
    "SweepDeadLetterQueueUrl": "https://sqs/shop-sweep-dead",
}
RESOURCES = {"OperationsTable": "shop-operations", "SweepOrdersFunction": "shop-SweepOrders"}


class FakeCloudFormation:
    """CloudFormation with the stack `shop`."""

    def __init__(self, region: str) -> None:
        self.meta = SimpleNamespace(region_name=region)

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803 - boto3's name
        if StackName != "shop":
            error = {"Code": "ValidationError", "Message": f"{StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        return {"Stacks": [{"Outputs": outputs}]}

    def get_paginator(self, operation: str) -> "FakeCloudFormation":
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[Any]:  # noqa: N803 - boto3's name
        assert StackName == "shop"
        for logical, physical in RESOURCES.items():
            resource = {"LogicalResourceId": logical, "PhysicalResourceId": physical}
            yield {"StackResourceSummaries": [resource]}


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """A real session: each one reads botocore's data anew."""
    return boto3.Session(region_name=REGION)


@pytest.fixture(autouse=True)
def _stack_on_aws(
    aws: None, session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """An account with the stack `shop`; DynamoDB is moto's."""
    sqs = FakeSqs()

    class FakeSession:
        def __init__(self, *_: str, region_name: str | None = None) -> None:
            self._region = region_name or REGION

        def client(self, service: str, **_: Any) -> Any:
            return {"cloudformation": FakeCloudFormation(self._region), "sqs": sqs}[service]

        def resource(self, service: str, **_: Any) -> Any:
            return session.resource(service)  # type: ignore[call-overload]

    monkeypatch.setattr("sagashop_ops.aws.boto3.Session", FakeSession)
    shared_aws.cache_clear()
    session.client("dynamodb").create_table(
        TableName="shop-operations", **table_definition("OperationsTable")
    )
    yield
    shared_aws.cache_clear()


def test_on_aws_everything_comes_from_the_stacks_outputs_and_resources() -> None:
    deployment = Deployment.find(shared_aws(), "shop")

    stack = deployment.stack
    assert (stack.stack_name, stack.region, stack.state_machine_arn) == ("shop", REGION, MACHINE)
    assert stack.api_url == "https://abc.execute-api.eu-west-1.amazonaws.com/v1"
    assert stack.storefront_url == "http://shop-storefront.s3-website-eu-west-1.amazonaws.com"
    assert stack.tables == {"operations": "shop-operations"}
    assert list(stack.dead_letter_queues) == ["Sweep"]
    assert deployment.functions == {"SweepOrders": "shop-SweepOrders"}
    assert (stack.endpoint_url, stack.log_file) == (None, None)


def test_a_local_stack_gets_the_engines_addresses() -> None:
    engine = shared_aws("http://127.0.0.1:4666", REGION)

    stack = Deployment.find(engine, "shop", "engine.log").stack

    assert stack.api_url == "http://127.0.0.1:4666/_aws/execute-api/abc/v1"
    assert stack.storefront_url == "http://shop-storefront.s3-website.localhost:4666/"
    assert stack.log_file == "engine.log"


def test_an_unknown_stack_is_told_with_the_region() -> None:
    with pytest.raises(UnknownStack, match="no stack 'other' in eu-west-1"):
        Deployment.find(shared_aws(), "other")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--aws", "--stack", "shop", "operations"],
        ["operations", "--aws", "--stack", "shop"],
        ["--stack", "other", "operations", "--stack", "shop", "--aws"],
    ],
    ids=["before the command", "after it", "the later one counts"],
)
def test_the_options_precede_or_follow_the_command(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)

    assert result.output == "No operation is recorded.\n"


def test_the_stack_may_be_named_by_the_environment() -> None:
    shop = {"SAGASHOP_STACK_NAME": "shop"}
    result = CliRunner().invoke(cli, ["dlq", "list", "--aws"], env=shop, catch_exceptions=False)

    assert result.output.split() == ["Sweep", "0"]


def test_an_operation_on_aws_is_recorded_there_under_the_account_that_signed_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = Deployment.find(shared_aws(), "shop").stack
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    session = Session("ada@example.com", "acc_ada", "access", "refresh", time.time() + 900)
    session.save(session_file(stack))

    arguments = ["dlq", "redrive", "Sweep", "--why", "tested", "--aws", "--stack", "shop"]
    assert "0 of 0 redriven." in CliRunner().invoke(cli, arguments).output

    (operation,) = read_operations(table_of(stack, "operations"), 10)
    assert (operation.action, operation.operator) == ("redrive dead letters", "acc_ada")
    assert operation.reason == "tested"


def test_what_only_a_local_store_has_is_told_on_aws() -> None:
    stack = Deployment.find(shared_aws(), "shop").stack

    with pytest.raises(LocalOnly, match="Only a local store has the mail that it sent"):
        sent_mail(stack)


def test_a_local_stack_is_found_through_its_stack_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given the stack.json of a running engine
    a_stack(endpoint_url="http://127.0.0.1:4666", region=REGION).save(
        tmp_path / "4666" / "stack.json"
    )
    monkeypatch.setattr(local, "state_folder", lambda port: tmp_path / str(port))
    asked: list[str] = []

    def healthy(self: requests.Session, url: str, **_: Any) -> requests.Response:
        asked.append(url)
        response = requests.Response()
        response.status_code = 200
        response._content = b"{}"
        return response

    monkeypatch.setattr(requests.Session, "get", healthy)

    # When another stack of that engine is named
    deployment = local.local_deployment(4666, "shop")

    # Then its addresses are the engine's, and its names those of its outputs
    assert asked == ["http://127.0.0.1:4666/_localstack/health"]
    assert deployment.stack.tables == {"operations": "shop-operations"}
    assert deployment.stack.log_file == "engine.log"
