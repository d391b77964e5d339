"""How the engine and the DynamoDB server are started."""

from pathlib import Path
from typing import Any

import pytest

from localstack_embedded.dynamodb.command import dynamodb_server_command
from localstack_embedded.settings import engine_command, engine_environment


def an_environment(**changes: Any) -> dict[str, str]:
    settings: dict[str, Any] = {
        "port": 4566,
        "state_dir": Path("/store/.local"),
        "worker_python": Path("/store/worker/python"),
        "dynamodb_url": "http://127.0.0.1:4567",
    }
    return engine_environment(**settings | changes)


def test_the_engine_listens_on_loopback_and_hands_out_that_port() -> None:
    environment = an_environment(port=5001)

    assert environment["GATEWAY_LISTEN"] == "127.0.0.1:5001"
    assert environment["GATEWAY_SERVER"] == "loopback"
    assert environment["LOCALSTACK_HOST"] == "localhost:5001"
    assert environment["DNS_ADDRESS"] == "0"


def test_the_engine_inherits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("LOCALSTACK_AUTH_TOKEN", "secret")

    environment = an_environment()

    assert not {"AWS_PROFILE", "LOCALSTACK_AUTH_TOKEN"} & environment.keys()


@pytest.mark.parametrize("name", ["FILESYSTEM_ROOT", "HOME", "TMPDIR"])
def test_the_engine_keeps_its_files_in_the_store(name: str) -> None:
    assert Path(an_environment()[name]).is_relative_to("/store/.local/engine")


def test_functions_and_the_engine_share_the_embedded_dynamodb() -> None:
    environment = an_environment()

    assert environment["PROVIDER_OVERRIDE_DYNAMODB"] == "embedded"
    assert environment["PROVIDER_OVERRIDE_DYNAMODBSTREAMS"] == "embedded"
    assert environment["DYNAMODB_SERVER_URL"] == "http://127.0.0.1:4567"
    assert environment["LAMBDA_WORKER_ENDPOINT_URL_DYNAMODB"] == "http://127.0.0.1:4567"


def test_localstacks_own_dynamodb_is_one_setting_away() -> None:
    names = an_environment(dynamodb_engine="localstack").keys()

    assert not [name for name in names if "DYNAMODB" in name]


def test_the_worker_limit_is_the_executors_unless_given() -> None:
    assert "LAMBDA_WORKER_LIMIT" not in an_environment()
    assert an_environment(worker_limit=3)["LAMBDA_WORKER_LIMIT"] == "3"


def test_the_engine_does_not_import_from_the_folder_it_is_started_in() -> None:
    assert engine_command(Path("/env/python")) == [
        "/env/python",
        "-P",
        "-m",
        "localstack.runtime.main",
    ]


def test_the_dynamodb_server_runs_from_this_package_in_ministacks_environment() -> None:
    argv, environment = dynamodb_server_command(Path("/env/python"), 4567, Path("/data"))

    assert argv[0] == "/env/python"
    assert argv[argv.index("--port") + 1] == "4567"
    assert argv[argv.index("--data") + 1] == "/data"
    package = Path(environment["PYTHONPATH"]) / "localstack_embedded"
    assert (package / "dynamodb" / "server.py").is_file()
