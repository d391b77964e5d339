"""The variables a function sees: Lambda's own and the declared ones, never the engine's."""

from collections.abc import Mapping
from pathlib import Path

# Python reads them at its start, so they are the zygote's as well.
PROCESS_VARIABLES = {
    "LANG": "en_US.UTF-8",
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    # Python's own locale guess would be ASCII on a machine without en_US.
    "PYTHONUTF8": "1",
}


def function_variables(
    engine_variables: Mapping[str, object],
    declared: Mapping[str, str],
    *,
    package: Path,
    runtime: str,
    dynamodb_endpoint_url: str | None,
) -> dict[str, str]:
    """Returns the environment of a function's workers.

    `engine_variables` are the ones LocalStack made for a container (some of them numbers), with
    paths inside that container; `declared` wins over all.
    """
    variables = {
        name: str(value)
        for name, value in engine_variables.items()
        # The others are for LocalStack's own init binary, which isn't used here.
        if name == "LOCALSTACK_HOSTNAME" or not name.startswith("LOCALSTACK_")
    }
    variables |= PROCESS_VARIABLES | {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "LAMBDA_TASK_ROOT": str(package),
    }
    if dynamodb_endpoint_url:
        variables["AWS_ENDPOINT_URL_DYNAMODB"] = dynamodb_endpoint_url
    # There is no such directory on this machine: the runtime is an ordinary Python environment.
    variables.pop("LAMBDA_RUNTIME_DIR", None)
    return variables | dict(declared)
