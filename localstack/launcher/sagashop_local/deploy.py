"""Deploys a template through a CloudFormation change set, like `sam deploy` without its waits.

`sam deploy` polls every few seconds, and the engine is done long before. So we poll ten times a
second.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from yaml import YAMLError

from sagashop_local.errors import DeployFailed, FailedResource
from sagashop_local.template import definition_files, localise, parse_template
from sagashop_ops.aws import Aws

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        StackTypeDef,
    )

ARTIFACTS_BUCKET = "sagashop-artifacts"
POLL_SECONDS = 0.1
TIMEOUT_SECONDS = 120.0
SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
# How CloudFormation reports that the stack already matches the template.
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Deployment:
    """The result of a deployment: the stack's outputs, and whether a resource had to change."""

    changed: bool
    outputs: Mapping[str, str]


def deploy(
    aws: Aws,
    stack_name: str,
    template_file: Path,
    package: Path,
    parameters: Mapping[str, str],
) -> Deployment:
    """Makes the stack what the template says; raises `DeployFailed` naming what failed."""
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    url = _upload_artifacts(aws, template_file, package)
    is_new = find_stack(cloudformation, stack_name) is None
    try:
        change_set = cloudformation.create_change_set(
            StackName=stack_name,
            ChangeSetName=f"deploy-{time.time_ns()}",
            ChangeSetType="CREATE" if is_new else "UPDATE",
            TemplateURL=url,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )["Id"]
        description = _wait_for_change_set(cloudformation, change_set)
    except ClientError as exc:
        raise DeployFailed(exc.response["Error"]["Message"]) from exc
    if description is None:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    else:
        cloudformation.execute_change_set(ChangeSetName=change_set)
        stack = _wait_for_stack(cloudformation, stack_name, change_set)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Deployment(bool(description and description["Changes"]), outputs)


def find_stack(cloudformation: "CloudFormationClient", stack_name: str) -> "StackTypeDef | None":
    """Returns the stack's description, or None where the engine has no stack of that name."""
    try:
        return cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ValidationError":  # "… does not exist"
            return None
        raise


def is_wrecked(aws: Aws, stack_name: str) -> bool:
    """Returns whether the last deployment failed: the engine cannot update such a stack."""
    stack = find_stack(aws.client("cloudformation"), stack_name)
    return stack is not None and stack["StackStatus"] not in SUCCEEDED


def _upload_artifacts(aws: Aws, template_file: Path, package: Path) -> str:
    """Uploads the state machines and the localised template; returns the template's URL.

    The keys hold a hash of the content: the same content is no change to CloudFormation.
    """
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=ARTIFACTS_BUCKET)

    def upload(content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()
        s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=content)
        return key

    try:
        template = parse_template(template_file.read_text(encoding="utf-8"))
    except YAMLError as exc:
        raise DeployFailed(f"{template_file.name} is not valid YAML: {exc}") from exc
    definitions = {
        logical_id: upload(path.read_bytes())
        for logical_id, path in definition_files(template, template_file.parent).items()
    }
    local = localise(template, package, ARTIFACTS_BUCKET, definitions)
    return f"{aws.endpoint_url}/{ARTIFACTS_BUCKET}/{upload(json.dumps(local).encode())}"


def _wait_for_change_set(
    cloudformation: "CloudFormationClient", change_set: str
) -> "DescribeChangeSetOutputTypeDef | None":
    """Waits until a change set can be executed; returns None where there is nothing to execute.

    One without changes may have to be executed: new outputs are no change of a resource.
    """
    for _ in _polls("its change set was not ready in time"):
        description = cloudformation.describe_change_set(ChangeSetName=change_set)
        reason = description.get("StatusReason", "")
        if description["Status"] == "CREATE_COMPLETE":
            return description
        if description["Status"] == "FAILED":
            if any(words in reason for words in NO_CHANGES):
                break
            raise DeployFailed(reason)
    return None


def _wait_for_stack(
    cloudformation: "CloudFormationClient", stack_name: str, change_set: str
) -> "StackTypeDef":
    """Waits until a change set is executed; returns the stack, or raises `DeployFailed`.

    The engine reports the stack as complete a moment before it has its outputs; it sets the change
    set's id last.
    """
    for _ in _polls("it was still in progress"):
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        status = stack["StackStatus"]
        if status in SUCCEEDED and stack.get("ChangeSetId") == change_set:
            break
        if status not in SUCCEEDED and not status.endswith("_IN_PROGRESS"):
            reason = stack.get("StackStatusReason") or status
            raise DeployFailed(reason, _failed_resources(cloudformation, stack["StackId"]))
    return stack


def _polls(otherwise: str) -> Iterator[None]:
    """Yields for each poll, until the caller stops; raises `DeployFailed` after the timeout."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() <= deadline:
        yield
        time.sleep(POLL_SECONDS)
    raise DeployFailed(f"{otherwise} after {TIMEOUT_SECONDS:g} s")


def _failed_resources(
    cloudformation: "CloudFormationClient", stack_id: str
) -> list[FailedResource]:
    """Returns the resources that failed in the last operation, the first failure first.

    One without a reason of its own failed because of another and is left out.
    """
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    return [
        FailedResource(event["LogicalResourceId"], event["ResourceType"], reason)
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and event["ResourceType"] != "AWS::CloudFormation::Stack"
        and (reason := event.get("ResourceStatusReason"))
    ]
