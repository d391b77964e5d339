"""The template's parameters as a local store sets them."""

import os
from collections.abc import Mapping

from sagashop_local.errors import MalformedParameters

VARIABLE = "SAGASHOP_PARAMETERS"
LOCAL = {"Stage": "local"}


def local_parameters(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the parameters of a local store; SAGASHOP_PARAMETERS adds to them.

    Raises MalformedParameters.

    >>> local_parameters({"SAGASHOP_PARAMETERS": "PaymentWaitSeconds=4,SweepMinutes=1"})
    {'Stage': 'local', 'PaymentWaitSeconds': '4', 'SweepMinutes': '1'}
    """
    given = (os.environ if environ is None else environ).get(VARIABLE, "")
    parameters = dict(LOCAL)
    for pair in filter(None, (part.strip() for part in given.split(","))):
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise MalformedParameters(VARIABLE, pair)
        parameters[name] = value
    return parameters
