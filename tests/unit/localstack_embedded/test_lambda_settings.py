"""What the plug-in reads and hands on: its settings, a function's variables, the trace header."""

from pathlib import Path

import pytest

from localstack_embedded.lambda_runtime import tracing
from localstack_embedded.lambda_runtime.environment import function_variables
from localstack_embedded.lambda_runtime.settings import Settings, default_worker_limit

PYTHON = {"LAMBDA_WORKER_PYTHON": "/runtime/bin/python"}


@pytest.mark.parametrize(("cores", "workers"), [(1, 40), (2, 40), (10, 40), (12, 48), (32, 128)])
def test_the_default_cap_grows_with_the_cores(cores: int, workers: int) -> None:
    assert default_worker_limit(cores) == workers


def test_settings_are_read_by_name() -> None:
    endpoint = "http://127.0.0.1:4567"
    environment = PYTHON | {
        "LAMBDA_WORKER_LIMIT": "7",
        "LAMBDA_WORKER_ENDPOINT_URL_DYNAMODB": endpoint,
    }

    settings = Settings.from_environment(environment)

    assert settings == Settings(Path("/runtime/bin/python"), 7, endpoint)


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, "LAMBDA_WORKER_PYTHON"),
        (PYTHON | {"LAMBDA_WORKER_LIMIT": "0"}, "LAMBDA_WORKER_LIMIT"),
        (PYTHON | {"LAMBDA_WORKER_LIMIT": "many"}, "LAMBDA_WORKER_LIMIT"),
    ],
)
def test_a_bad_setting_is_named(environment: dict[str, str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.from_environment(environment)


def variables_of(
    engine: dict[str, object] | None = None, declared: dict[str, str] | None = None
) -> dict[str, str]:
    return function_variables(
        engine or {},
        declared or {},
        package=Path("/package"),
        runtime="python3.13",
        dynamodb_endpoint_url="http://127.0.0.1:4567",
    )


def test_paths_inside_a_container_become_real_ones() -> None:
    variables = variables_of(
        {"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime"}
    )

    assert variables["LAMBDA_TASK_ROOT"] == "/package"
    assert "LAMBDA_RUNTIME_DIR" not in variables


def test_every_variable_is_text() -> None:
    assert (
        variables_of({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 256})["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        == "256"
    )


def test_declared_variables_win() -> None:
    declared = {"LANG": "de_DE.UTF-8", "AWS_ENDPOINT_URL_DYNAMODB": "http://elsewhere"}

    assert variables_of(declared=declared).items() >= declared.items()


def test_a_new_parent_keeps_the_trace() -> None:
    header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

    renamed = tracing.with_parent(header, "0123456789abcdef")

    assert tracing.parent_of(header) == "53995c3f42cd8ad8"
    assert renamed == header.replace("53995c3f42cd8ad8", "0123456789abcdef")


def test_a_header_without_parent_names_none() -> None:
    assert tracing.parent_of("Root=1-5759e988-bd862e3fe1be46a994272793") is None
