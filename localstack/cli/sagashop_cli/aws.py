"""AWS clients of a running store, and the physical names of what its stack deployed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

from sagashop_cli.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"


class Aws:
    """AWS as served by the engine at `endpoint_url`; the clients are made when first needed."""

    def __init__(self, endpoint_url: str, region: str = REGION, pool_size: int = 10) -> None:
        """`pool_size`: how many connections concurrent users of one client may keep open."""
        self.endpoint_url = endpoint_url
        # Credentials that the engine accepts and AWS would not: a mistake here stays local.
        self._session = boto3.Session(
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - nothing secret
            region_name=region,
        )
        self._config = Config(
            max_pool_connections=pool_size,
            proxies={},  # loopback needs none, whatever the environment says
            s3={"addressing_style": "path"},
        )
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Returns the client of any service; making one costs a tenth of a second."""
        if service not in self._clients:
            self._clients[service] = self._session.client(  # type: ignore[call-overload]
                service, endpoint_url=self.endpoint_url, config=self._config
            )
        return self._clients[service]

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        client: CloudFormationClient = self.client("cloudformation")
        return client

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        client: CloudWatchLogsClient = self.client("logs")
        return client

    @cached_property
    def s3(self) -> "S3Client":
        client: S3Client = self.client("s3")
        return client


def local_client(stack: Stack, service: str, pool_size: int = 10) -> Any:
    """Returns a boto3 client of the store's engine, shared by all who ask for the same."""
    return _local_aws(stack.endpoint_url, stack.region, pool_size).client(service)


@cache
def _local_aws(endpoint_url: str, region: str, pool_size: int) -> Aws:
    return Aws(endpoint_url, region, pool_size)


def function_name(stack: Stack, logical_id: str) -> str:
    """Returns the physical name of one of the template's functions."""
    cloudformation = local_client(stack, "cloudformation")
    resource = cloudformation.describe_stack_resource(
        StackName=stack.stack_name, LogicalResourceId=logical_id
    )
    name: str = resource["StackResourceDetail"]["PhysicalResourceId"]
    return name


@dataclass(frozen=True)
class Deployment:
    """A running store as CloudFormation deployed it, by the names that the template uses.

    `client` hands out boto3 clients, `outputs` are the stack's, `resources` maps a logical id such
    as `StartSagaFunction` to the physical one.
    """

    stack: Stack
    client: Callable[[str], Any]
    outputs: Mapping[str, str]
    resources: Mapping[str, str]

    @classmethod
    def of(cls, stack: Stack) -> Self:
        """Looks at the stack of a running store."""
        client = partial(local_client, stack)
        cloudformation = client("cloudformation")
        (description,) = cloudformation.describe_stacks(StackName=stack.stack_name)["Stacks"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(
            StackName=stack.stack_name
        )
        return cls(
            stack=stack,
            client=client,
            outputs={
                output["OutputKey"]: output["OutputValue"]
                for output in description.get("Outputs", [])
            },
            resources={
                resource["LogicalResourceId"]: resource["PhysicalResourceId"]
                for page in pages
                for resource in page["StackResourceSummaries"]
            },
        )

    @property
    def functions(self) -> dict[str, str]:
        """The physical name of each function, by its logical id without `Function`."""
        return {
            logical_id.removesuffix("Function"): physical_id
            for logical_id, physical_id in self.resources.items()
            if logical_id.endswith("Function")
        }
