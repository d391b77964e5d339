"""Waiting for servers, and what is told of one that doesn't come up."""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sagashop_local import servers
from sagashop_local.errors import ServerFailed
from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable
from sagashop_local.servers import Server, describe_servers, start, wait_until_ready

WEB_SERVER = """
from http.server import HTTPServer, SimpleHTTPRequestHandler
HTTPServer(("127.0.0.1", {port}), SimpleHTTPRequestHandler).serve_forever()
"""
ALWAYS_BUSY = "import time; time.sleep(60)"
DOOMED = "raise SystemExit('no such plug-in: loopback')"

type RunServer = Callable[[str], None]


@pytest.fixture
def run_server(tmp_path: Path) -> Iterator[RunServer]:
    """Starts a program as the engine and waits until it is ready."""
    table = ProcessTable(tmp_path / "processes.json")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]  # free as soon as we let go of it

    def run(program: str) -> None:
        server = Server(
            name="engine",
            title="LocalStack",
            port=port,
            command=[sys.executable, "-c", program.format(port=port)],
            environment={"TMPDIR": str(tmp_path / "tmp")},
            directory=tmp_path / "engine",
            log_file=tmp_path / "engine.log",
            readiness_url=f"http://127.0.0.1:{port}/",
            stop_grace_seconds=1,
        )
        wait_until_ready(server, start(server, table))

    yield run
    table.stop("engine", grace_seconds=1)


def test_a_server_is_awaited_until_it_answers(run_server: RunServer, tmp_path: Path) -> None:
    run_server(WEB_SERVER)

    assert (tmp_path / "tmp").is_dir()


def test_a_server_that_dies_is_told_with_its_last_words(run_server: RunServer) -> None:
    with pytest.raises(ServerFailed, match=r"(?s)LocalStack died .*no such plug-in: loopback"):
        run_server(DOOMED)


def test_a_server_that_never_answers_is_given_up(
    run_server: RunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "START_TIMEOUT_SECONDS", 0.3)

    with pytest.raises(ServerFailed, match=r"LocalStack was not ready after 0\.3 s"):
        run_server(ALWAYS_BUSY)


def test_a_store_has_two_servers_on_neighbouring_ports(tmp_path: Path) -> None:
    described = describe_servers(StorePaths(4666, tmp_path), "embedded")

    assert [(server.name, server.port) for server in described] == [
        ("dynamodb", 4667),
        ("engine", 4666),
    ]


def test_localstacks_own_dynamodb_is_the_engines_affair(tmp_path: Path) -> None:
    described = describe_servers(StorePaths(4666, tmp_path), "localstack")

    assert [server.name for server in described] == ["engine"]
