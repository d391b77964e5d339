"""AWS clients, and what a stack deployed: on an account, or on the local engine."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any, Self

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from sagashop_ops.errors import OperationRefused, UnknownStack
from sagashop_ops.stack import Stack, stack_of

REGION = "us-east-1"

type Row = Mapping[str, Any]


class Aws:
    """The AWS account of boto3's own configuration, or the local engine at `endpoint_url`."""

    def __init__(
        self, endpoint_url: str | None = None, region: str | None = None, pool_size: int = 10
    ) -> None:
        """`pool_size`: how many connections concurrent users of one client may keep open."""
        self.endpoint_url = endpoint_url or None
        self._clients: dict[str, Any] = {}
        self._session: Any
        if endpoint_url:
            # The engine accepts these credentials and AWS doesn't: a mistake here stays local.
            self._session = boto3.Session("test", "test", region_name=region or REGION)
            # Loopback needs no proxy, whatever the environment says.
            config = Config(
                max_pool_connections=pool_size, proxies={}, s3={"addressing_style": "path"}
            )
        else:
            self._session = boto3.Session(region_name=region or None)
            config = Config(max_pool_connections=pool_size)
        self._options = {"endpoint_url": self.endpoint_url, "config": config}

    @property
    def region(self) -> str:
        """The region of all clients; raises NoRegionError where none is configured."""
        return str(self.client("cloudformation").meta.region_name)

    def client(self, service: str) -> Any:
        """Returns the client of any service; making one costs a tenth of a second."""
        if service not in self._clients:
            self._clients[service] = self._session.client(service, **self._options)
        return self._clients[service]

    @cached_property
    def tables(self) -> Any:
        """DynamoDB's resource, whose tables take and return plain values."""
        return self._session.resource("dynamodb", **self._options)


# Makes one object for everybody who asks for the same.
shared_aws = cache(Aws)


def client_of(stack: Stack, service: str, pool_size: int = 10) -> Any:
    """Returns a boto3 client for a stack; all callers who ask for the same share one."""
    return shared_aws(stack.endpoint_url, stack.region, pool_size).client(service)


def table_of(stack: Stack, service: str) -> Any:
    """Returns a service's table, which takes and returns plain values."""
    return shared_aws(stack.endpoint_url, stack.region).tables.Table(stack.tables[service])


def rows(table: Any, operation: str, **request: Any) -> Iterator[Row]:
    """Yields the rows of a table that a `scan` or a `query` finds, as plain values."""
    pages = table.meta.client.get_paginator(operation).paginate(TableName=table.name, **request)
    for page in pages:
        yield from page["Items"]


@dataclass(frozen=True)
class Deployment:
    """A store as CloudFormation deployed it, by the names that the template uses.

    `client` makes boto3 clients, `outputs` are the stack's, `resources` maps a logical id such as
    `StartSagaFunction` to the physical one.
    """

    stack: Stack
    client: Callable[[str], Any]
    outputs: Mapping[str, str]
    resources: Mapping[str, str]

    @classmethod
    def of(cls, stack: Stack) -> Self:
        """Looks up the stack of a store whose addresses are known."""
        aws = shared_aws(stack.endpoint_url, stack.region)
        return cls.find(aws, stack.stack_name, stack.log_file)

    @classmethod
    def find(cls, aws: Aws, stack_name: str, log_file: str | None = None) -> Self:
        """Looks up a stack by its name; raises UnknownStack.

        `log_file` is the engine's, where the stack is a local one.
        """
        cloudformation = aws.client("cloudformation")
        try:
            (description,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        except ClientError as exc:
            if exc.response["Error"]["Code"] == "ValidationError":  # "… does not exist"
                raise UnknownStack(stack_name, aws.endpoint_url or aws.region) from exc
            raise
        outputs = {o["OutputKey"]: o["OutputValue"] for o in description.get("Outputs", [])}
        stack = stack_of(
            outputs,
            stack_name=stack_name,
            region=aws.region,
            endpoint_url=aws.endpoint_url,
            log_file=log_file,
        )
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_name)
        resources = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
        }
        return cls(stack, partial(client_of, stack), outputs, resources)

    @property
    def functions(self) -> dict[str, str]:
        """The physical name of each function, by its logical id without `Function`."""
        return {
            logical_id.removesuffix("Function"): physical_id
            for logical_id, physical_id in self.resources.items()
            if logical_id.endswith("Function")
        }


def call_function(deployment: Deployment, function: str, payload: Any) -> Any:
    """Calls a function and returns its answer; raises OperationRefused with its error.

    `function` is the logical id without `Function`, or the physical name.
    """
    answer = deployment.client("lambda").invoke(
        FunctionName=deployment.functions.get(function, function),
        Payload=json.dumps(payload).encode(),
    )
    result = json.load(answer["Payload"])
    if "FunctionError" in answer:
        error = result if isinstance(result, dict) else {}
        raise OperationRefused(
            str(error.get("errorType", "FunctionError")),
            f"{function} failed: {error.get('errorMessage', 'it gave no reason')}",
        )
    return result
