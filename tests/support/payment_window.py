"""Gives customers more or less time to pay than the store's template does."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from support.outage import environment_of, reconfigured

# Those that tell the saga, and the order's row, how long it is.
_FUNCTIONS = ("OrderApi", "StartSaga", "OrderSteps")


@contextmanager
def payment_window(
    seconds: int, stack: dict[str, Any], aws: Callable[[str], Any]
) -> Iterator[None]:
    """Lets orders placed meanwhile wait so long for their payment."""
    with ExitStack() as changes:
        for name in _FUNCTIONS:
            function_name = f"{stack['stack_name']}-{name}"
            variables = environment_of(function_name, aws) | {"PAYMENT_WAIT_SECONDS": str(seconds)}
            changes.enter_context(
                reconfigured(function_name, aws, Environment={"Variables": variables})
            )
        yield
