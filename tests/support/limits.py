"""Gives a store for a while the limits that the template has, instead of a local store's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sagashop_local.parameters import LIMITS
from support.outage import environment_of, reconfigured
from support.template import resources, template


def defaults() -> dict[str, str]:
    """Returns the template's own limits, by the variables that the order API has them in."""
    declared = template()["Parameters"]
    function = resources("AWS::Serverless::Function")["OrderApiFunction"]
    return {
        variable: str(declared[value["Ref"]]["Default"])
        for variable, value in function["Environment"]["Variables"].items()
        if isinstance(value, dict) and value.get("Ref") in LIMITS
    }


@contextmanager
def limited(stack: dict[str, Any], aws: Callable[[str], Any], **limits: str) -> Iterator[None]:
    """Limits orders meanwhile: `limited(stack, aws, ORDERS_PER_CALLER="60")`."""
    function_name = f"{stack['stack_name']}-OrderApi"
    variables = environment_of(function_name, aws) | limits
    with reconfigured(function_name, aws, Environment={"Variables": variables}):
        yield
