"""The template's parameters as a local store sets them."""

import os
from collections.abc import Mapping

from sagashop_local.errors import MalformedParameters
from sagashop_ops.aws import REGION
from sagashop_ops.stack import local_storefront_origin

STACK_NAME = "sagashop"
VARIABLE = "SAGASHOP_PARAMETERS"
LOCAL = {"Stage": "local"}
# On one machine everybody comes from the same address, and a demonstration or a test orders a lot.
LIMITS = (
    "OrdersPerCaller",
    "OrdersPerAddress",
    "UnpaidOrdersPerCaller",
    "UnpaidUnitsPerCaller",
    "UnpaidOrdersPerAddress",
    "UnpaidUnitsPerAddress",
)
_NO_LIMIT = "100000"
# LocalStack's only account.
_ACCOUNT = "000000000000"


def storefront_origin(port: int) -> str:
    """Returns the origin of the storefront on a port; the template names its bucket."""
    return local_storefront_origin(f"{STACK_NAME}-storefront-{_ACCOUNT}-{REGION}", port)


def local_parameters(port: int, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the parameters of the local store on a port; SAGASHOP_PARAMETERS adds to them.

    Raises MalformedParameters.

    >>> local_parameters(4566, {"SAGASHOP_PARAMETERS": "SweepMinutes=1"})["SweepMinutes"]
    '1'
    """
    given = (os.environ if environ is None else environ).get(VARIABLE, "")
    parameters = {
        **LOCAL,
        **dict.fromkeys(LIMITS, _NO_LIMIT),
        "StorefrontOrigin": storefront_origin(port),
    }
    for pair in filter(None, (part.strip() for part in given.split(","))):
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise MalformedParameters(VARIABLE, pair)
        parameters[name] = value
    return parameters
