"""Driving CloudFormation: what is waited for, and what is told when it fails."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from sagashop_local import deploy as deployment
from sagashop_local.deploy import Deployment, deploy, is_wrecked
from sagashop_local.errors import DeployFailed
from sagashop_ops.aws import Aws

TEMPLATE = "Resources: {Bus: {Type: AWS::Events::EventBus}}"
CHANGE_SET = "arn:change-set/1"
A_CHANGE = {"Type": "Resource"}
A_CHANGE_SET = {"Status": "CREATE_COMPLETE", "Changes": [A_CHANGE]}

type Answer = Mapping[str, Any]


class FakeCloudFormation:
    """Answers DescribeStacks and DescribeChangeSet from scripts, the last answer for ever."""

    def __init__(
        self,
        stacks: list[Answer],
        change_sets: list[Answer] | None = None,
        events: list[Answer] | None = None,
    ) -> None:
        self._stacks = stacks
        self._change_sets = change_sets or [A_CHANGE_SET]
        self._events = events or []
        self.created: Answer = {}
        self.executed = False

    def describe_stacks(self, StackName: str) -> Answer:  # noqa: N803 - boto3's name
        stack = self._stacks.pop(0) if len(self._stacks) > 1 else self._stacks[0]
        if not stack:
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "x")
        return {"Stacks": [{"StackId": "arn:stack/1", **stack}]}

    def create_change_set(self, **request: Any) -> Answer:
        self.created = request
        return {"Id": CHANGE_SET}

    def describe_change_set(self, **_: Any) -> Answer:
        return self._change_sets.pop(0) if len(self._change_sets) > 1 else self._change_sets[0]

    def execute_change_set(self, **_: Any) -> None:
        self.executed = True

    def describe_stack_events(self, **_: Any) -> Answer:
        return {"StackEvents": self._events}


class FakeS3:
    """Takes every upload."""

    def create_bucket(self, **_: Any) -> None: ...

    def put_object(self, **_: Any) -> None: ...


def an_event(resource: str, status: str, reason: str | None = None) -> Answer:
    event = {
        "LogicalResourceId": resource,
        "ResourceType": "AWS::Lambda::Function",
        "ResourceStatus": status,
        "Timestamp": datetime.now(UTC),
    }
    return event | ({"ResourceStatusReason": reason} if reason else {})


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(deployment, "TIMEOUT_SECONDS", 0.2)


def deploy_to(cloudformation: FakeCloudFormation, folder: Path) -> Deployment:
    template = folder / "template.yaml"
    if not template.exists():
        template.write_text(TEMPLATE)
    clients = {"cloudformation": cloudformation, "s3": FakeS3()}
    aws = SimpleNamespace(endpoint_url="http://engine", client=clients.__getitem__)
    return deploy(cast(Aws, aws), "shop", template, folder / "package", {"Stage": "local"})


def complete(status: str = "CREATE_COMPLETE") -> Answer:
    outputs = [{"OutputKey": "ApiId", "OutputValue": "httpapi"}]
    return {"StackStatus": status, "ChangeSetId": CHANGE_SET, "Outputs": outputs}


def test_a_new_stack_is_created(tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation([{}, {"StackStatus": "CREATE_IN_PROGRESS"}, complete()])

    result = deploy_to(cloudformation, tmp_path)

    assert result == Deployment(changed=True, outputs={"ApiId": "httpapi"})
    assert cloudformation.created["ChangeSetType"] == "CREATE"
    assert cloudformation.created["Parameters"] == [
        {"ParameterKey": "Stage", "ParameterValue": "local"}
    ]


def test_a_known_stack_is_updated(tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation([complete(), complete("UPDATE_COMPLETE")])

    assert deploy_to(cloudformation, tmp_path).changed
    assert cloudformation.created["ChangeSetType"] == "UPDATE"


def test_a_complete_stack_is_awaited_until_it_has_its_outputs(tmp_path: Path) -> None:
    without_outputs = {"StackStatus": "CREATE_COMPLETE", "ChangeSetId": "an earlier one"}

    result = deploy_to(FakeCloudFormation([{}, without_outputs, complete()]), tmp_path)

    assert result.outputs == {"ApiId": "httpapi"}


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_nothing_to_change_is_a_success(reason: str, tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation(
        [complete()], [{"Status": "FAILED", "StatusReason": reason}]
    )

    result = deploy_to(cloudformation, tmp_path)

    assert result == Deployment(changed=False, outputs={"ApiId": "httpapi"})
    assert not cloudformation.executed


def test_a_change_set_without_changed_resources_may_bring_outputs(tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation(
        [complete()], [{"Status": "CREATE_COMPLETE", "Changes": []}]
    )

    assert not deploy_to(cloudformation, tmp_path).changed
    assert cloudformation.executed


def test_a_refused_change_set_is_told_with_its_reason(tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation(
        [{}],
        [{"Status": "CREATE_PENDING"}, {"Status": "FAILED", "StatusReason": "no such transform"}],
    )

    with pytest.raises(DeployFailed, match="no such transform"):
        deploy_to(cloudformation, tmp_path)


def test_the_resources_that_failed_are_named_the_first_one_first(tmp_path: Path) -> None:
    newest_first = [
        an_event("Api", "CREATE_FAILED"),
        an_event("Second", "CREATE_FAILED", "needs the first"),
        an_event("First", "CREATE_FAILED", "no such runtime"),
        an_event("Fine", "CREATE_COMPLETE"),
    ]
    cloudformation = FakeCloudFormation(
        [{}, {"StackStatus": "ROLLBACK_COMPLETE"}], events=newest_first
    )

    with pytest.raises(DeployFailed) as caught:
        deploy_to(cloudformation, tmp_path)

    assert [(r.logical_id, r.reason) for r in caught.value.resources] == [
        ("First", "no such runtime"),
        ("Second", "needs the first"),
    ]


def test_a_stack_that_never_rests_is_given_up(tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation([{}, {"StackStatus": "CREATE_IN_PROGRESS"}])

    with pytest.raises(DeployFailed, match=r"still in progress after 0\.2 s"):
        deploy_to(cloudformation, tmp_path)


def test_a_template_that_is_no_yaml_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {")

    with pytest.raises(DeployFailed, match=r"template\.yaml is not valid YAML(.|\n)*line 1"):
        deploy_to(FakeCloudFormation([{}]), tmp_path)


@pytest.mark.parametrize(
    ("stack", "wrecked"),
    [
        ({}, False),
        (complete(), False),
        (complete("UPDATE_COMPLETE"), False),
        ({"StackStatus": "UPDATE_ROLLBACK_COMPLETE"}, True),
        ({"StackStatus": "REVIEW_IN_PROGRESS"}, True),
    ],
)
def test_only_a_complete_stack_can_be_updated(stack: Answer, wrecked: bool) -> None:
    aws = SimpleNamespace(client=lambda _: FakeCloudFormation([stack]))

    assert is_wrecked(cast(Aws, aws), "shop") is wrecked
