"""Functions that are deployed differently for a while, and what that does to orders."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from support.saga_definition import function_of
from support.waiting import eventually


@dataclass(frozen=True)
class PaidInVain:
    """Two paid orders for the same product whose stock could not be committed.

    The refund of `unrefundable` keeps failing as well. `owed_cents` is what each of them paid.
    """

    sku: str
    units: int
    wanted: int
    owed_cents: int
    refundable: str
    unrefundable: str


@contextmanager
def reconfigured(
    function_name: str, aws: Callable[[str], Any], **changes: object
) -> Iterator[None]:
    """Gives a function another configuration meanwhile: `reconfigured(name, aws, Timeout=1)`."""
    before = aws("lambda").get_function_configuration(FunctionName=function_name)
    configure(function_name, aws, **changes)
    try:
        yield
    finally:
        configure(function_name, aws, **{name: before[name] for name in changes})


def configure(function_name: str, aws: Callable[[str], Any], **changes: object) -> None:
    """Changes a function's configuration and waits until it is in force: all workers are new."""
    functions = aws("lambda")
    functions.update_function_configuration(FunctionName=function_name, **changes)
    eventually(
        lambda: functions.get_function_configuration(FunctionName=function_name),
        until=lambda function: function["LastUpdateStatus"] == "Successful",
    )


def environment_of(function_name: str, aws: Callable[[str], Any]) -> dict[str, str]:
    """Returns a function's environment variables."""
    configuration = aws("lambda").get_function_configuration(FunctionName=function_name)
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    return variables


def step_failures(
    stack: Mapping[str, Any],
    aws: Callable[[str], Any],
    *steps: str,
    rate: str = "failure_rate",
) -> dict[str, dict[str, Any]]:
    """Returns the `Environment` of each function that makes these steps fail before their effect.

    The environment names a failure document of its own. With it come new workers, so that none of
    them has the store's own document in its cache.

    Args:
        stack: the store's stack.json.
        aws: returns the store's boto3 client of a service.
        steps: the states' names.
        rate: `failure_rate` for failures that no retry fixes, `error_rate` for transient ones.
    """
    parameter = f"/{stack['stack_name']}/failing-{uuid.uuid4().hex[:8]}"
    document = {"steps": {step: {rate: 1} for step in steps}}
    aws("ssm").put_parameter(Name=parameter, Value=json.dumps(document), Type="String")
    names = {f"{stack['stack_name']}-{function_of(step)}" for step in steps}
    return {
        name: {"Variables": environment_of(name, aws) | {"CHAOS_PARAMETER": parameter}}
        for name in sorted(names)
    }


@contextmanager
def failing_steps(
    stack: Mapping[str, Any], aws: Callable[[str], Any], *steps: str
) -> Iterator[None]:
    """Makes every call of these steps fail for good meanwhile, before its effect."""
    with ExitStack() as changes:
        for name, environment in step_failures(stack, aws, *steps).items():
            changes.enter_context(reconfigured(name, aws, Environment=environment))
        yield


def close_circuits(stack: Mapping[str, Any], aws: Callable[[str], Any]) -> None:
    """Closes the circuits that an outage of a partner opened; workers notice within a second."""
    for service in ("payment", "shipping"):
        aws("dynamodb").delete_item(
            TableName=stack["tables"][service],
            Key={"pk": {"S": f"CIRCUIT#{service}"}, "sk": {"S": "CIRCUIT"}},
        )
