"""A function that stops working, and what that does to orders that had been paid."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

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
def badly_deployed(function_name: str, aws: Callable[[str], Any]) -> Iterator[None]:
    """Has a function's handler missing meanwhile: a failure that no retry mends."""
    functions = aws("lambda")

    def deploy(handler: str) -> None:
        functions.update_function_configuration(FunctionName=function_name, Handler=handler)
        eventually(
            lambda: functions.get_function_configuration(FunctionName=function_name),
            until=lambda function: function["LastUpdateStatus"] == "Successful",
        )

    handler = functions.get_function_configuration(FunctionName=function_name)["Handler"]
    deploy(f"{handler}_that_is_missing")
    try:
        yield
    finally:
        deploy(handler)
