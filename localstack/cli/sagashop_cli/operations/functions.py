"""Calls a function of the store, and tells its failure from its answer."""

import json
from typing import Any

from sagashop_cli.aws import Deployment
from sagashop_cli.errors import OperationRefused


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
            f"{function} failed: {error.get('errorMessage', 'it did not say why')}",
        )
    return result
