"""Functions that are deployed wrongly for a while, and what that does to orders."""

from collections.abc import Callable, Iterator, Mapping
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
def reconfigured(
    function_name: str, aws: Callable[[str], Any], **changes: object
) -> Iterator[None]:
    """Gives a function another configuration meanwhile: `reconfigured(name, aws, Timeout=1)`."""
    functions = aws("lambda")
    before = functions.get_function_configuration(FunctionName=function_name)

    def configure(configuration: Mapping[str, object]) -> None:
        functions.update_function_configuration(FunctionName=function_name, **configuration)
        eventually(
            lambda: functions.get_function_configuration(FunctionName=function_name),
            until=lambda function: function["LastUpdateStatus"] == "Successful",
        )

    configure(changes)
    try:
        yield
    finally:
        configure({name: before[name] for name in changes})
