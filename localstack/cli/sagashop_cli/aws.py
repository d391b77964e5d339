"""AWS clients of a running store, and the physical names of what its stack deployed."""

from typing import Any

import boto3
from botocore.config import Config

from sagashop_cli.stack import Stack


def local_client(stack: Stack, service: str, pool_size: int = 10) -> Any:
    """Returns a boto3 client of the store's engine; any credentials do there."""
    return boto3.client(
        service,
        endpoint_url=stack.endpoint_url,
        region_name=stack.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=pool_size),
    )


def function_name(stack: Stack, logical_id: str) -> str:
    """Returns the physical name of one of the template's functions."""
    cloudformation = local_client(stack, "cloudformation")
    resource = cloudformation.describe_stack_resource(
        StackName=stack.stack_name, LogicalResourceId=logical_id
    )
    name: str = resource["StackResourceDetail"]["PhysicalResourceId"]
    return name
