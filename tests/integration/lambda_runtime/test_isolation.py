"""What a function sees of the machine: its package, the runtime's libraries, its variables."""

from pathlib import Path
from typing import Any

import pytest

from support.lambda_functions import LambdaFunctions

LOOK_AROUND = """
import os, sys
def handler(event, context):
    import boto3, botocore
    return {
        "environment": dict(os.environ),
        "path": sys.path,
        "boto3": boto3.__file__,
        "directory": os.getcwd(),
        "importable": [name for name in event if __import__("importlib.util").util.find_spec(name)],
    }
"""
FROM_LAMBDA = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_TIMEOUT",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "EDGE_PORT",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LOCALSTACK_HOSTNAME",
    "PATH",
    "PYTHONUTF8",
    "TMPDIR",
    "TZ",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
}
OPTIONAL = {
    "AWS_ENDPOINT_URL_DYNAMODB",  # where the store has a DynamoDB server of its own
    "LC_CTYPE",  # set by Python itself on a machine that lacks Lambda's locale
}


@pytest.fixture
def seen(functions: LambdaFunctions) -> dict[str, Any]:
    """What a function with one declared variable sees."""
    name = functions.create(LOOK_AROUND, variables={"TABLE_NAME": "orders"})
    answer = functions.call(name, ["app", "boto3", "localstack", "localstack_embedded", "pytest"])
    assert not answer.is_error, answer.value
    found: dict[str, Any] = answer.value
    return found


def test_the_environment_is_lambdas_and_the_declared_one(seen: dict[str, Any]) -> None:
    environment = seen["environment"]

    assert set(environment) - OPTIONAL == FROM_LAMBDA | {"TABLE_NAME"}
    assert environment["TABLE_NAME"] == "orders"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"


def test_the_package_comes_first_and_the_engine_never(seen: dict[str, Any]) -> None:
    package = seen["environment"]["LAMBDA_TASK_ROOT"]

    assert seen["path"][0] == package == seen["directory"]
    assert (Path(package) / "app.py").exists()
    assert "envs/runtime/" in seen["boto3"]
    assert not [entry for entry in seen["path"] if "envs/engine" in entry]
    assert seen["importable"] == ["app", "boto3"]


def test_the_engine_is_where_the_sdk_looks(functions: LambdaFunctions) -> None:
    name = functions.create(
        "import boto3\n"
        "def handler(event, context):\n"
        "  return boto3.client('sts').get_caller_identity()['Account']"
    )

    assert functions.call(name).value == "000000000000"
