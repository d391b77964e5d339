"""The two servers of the local cloud: DynamoDB's, which keeps the data, and the engine.

They are separate so that the tables outlive the engine, which keeps nothing when it stops.
"""

import hashlib
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import localstack_embedded
from localstack_embedded.dynamodb.command import READINESS_PATH, dynamodb_server_command
from localstack_embedded.settings import DynamoDbEngine, engine_command, engine_environment
from sagashop_local import processes
from sagashop_local.errors import ServerFailed
from sagashop_local.paths import StorePaths, environment_python
from sagashop_local.ports import LOOPBACK, ensure_free
from sagashop_local.processes import ProcessRecord, ProcessTable

ENGINE = "engine"
DYNAMODB = "dynamodb"
START_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
PROBE_TIMEOUT_SECONDS = 2.0
LOG_TAIL_LINES = 15
# The engine keeps nothing, but takes some ten seconds to end all its threads: don't wait for it.
ENGINE_GRACE_SECONDS = 1.0
# The tables are worth waiting for.
DYNAMODB_GRACE_SECONDS = 30.0


@dataclass(frozen=True)
class Server:
    """How one server is started and stopped; `readiness_url` answers 200 once it is ready."""

    name: str
    title: str
    port: int
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    log_file: Path
    readiness_url: str
    stop_grace_seconds: float


def endpoint_url(port: int) -> str:
    """Returns the engine's address, as AWS_ENDPOINT_URL would have it."""
    return f"http://{LOOPBACK}:{port}"


def describe_servers(paths: StorePaths, dynamodb_engine: DynamoDbEngine) -> list[Server]:
    """Returns the servers that a store needs, in the order of starting.

    The DynamoDB server listens on the port after the engine's. There is none where LocalStack's
    stock server, which the engine starts itself, was chosen.
    """
    dynamodb_port = paths.port + 1
    dynamodb_url = endpoint_url(dynamodb_port)
    engine = Server(
        name=ENGINE,
        title="LocalStack",
        port=paths.port,
        command=engine_command(environment_python("engine")),
        environment=engine_environment(
            port=paths.port,
            state_dir=paths.state,
            worker_python=environment_python("runtime"),
            dynamodb_url=dynamodb_url,
            dynamodb_engine=dynamodb_engine,
        ),
        directory=paths.engine_data,
        log_file=paths.engine_log,
        readiness_url=f"{endpoint_url(paths.port)}/_localstack/health",
        stop_grace_seconds=ENGINE_GRACE_SECONDS,
    )
    if dynamodb_engine == "localstack":
        return [engine]
    command, environment = dynamodb_server_command(
        environment_python("dynamodb"), dynamodb_port, paths.dynamodb_data
    )
    dynamodb = Server(
        name=DYNAMODB,
        title="the DynamoDB server",
        port=dynamodb_port,
        command=command,
        environment=environment,
        directory=paths.dynamodb_data,
        log_file=paths.dynamodb_log,
        readiness_url=f"{dynamodb_url}{READINESS_PATH}",
        stop_grace_seconds=DYNAMODB_GRACE_SECONDS,
    )
    return [dynamodb, engine]


def version(lock_file: Path) -> str:
    """Returns a hash of what the servers run: the locked programs, and our plug-ins' code."""
    digest = hashlib.sha256(lock_file.read_bytes())
    package = Path(localstack_embedded.__path__[0])
    for module in sorted(package.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def start(server: Server, table: ProcessTable) -> ProcessRecord:
    """Starts a server without waiting for it; raises `PortTaken` where another program listens."""
    ensure_free(server.port, server.title)
    # Programs look for their temporary folder when they start; without it they use the machine's.
    if temporary := server.environment.get("TMPDIR"):
        Path(temporary).mkdir(parents=True, exist_ok=True)
    server.log_file.unlink(missing_ok=True)
    record = processes.start(
        server.name, server.command, server.environment, server.directory, server.log_file
    )
    table.add(record)
    return record


def wait_until_ready(server: Server, record: ProcessRecord) -> None:
    """Waits for a started server; raises `ServerFailed` when it died or took too long."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not answers(server.readiness_url):
        if processes.find(record) is None:
            raise _failure(server, "died while starting")
        if time.monotonic() > deadline:
            raise _failure(server, f"was not ready after {START_TIMEOUT_SECONDS:g} s")
        time.sleep(POLL_SECONDS)


def answers(url: str) -> bool:
    """Returns whether a GET on a URL answers 200."""
    # Loopback needs no proxy, whatever the environment says.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=PROBE_TIMEOUT_SECONDS) as response:
            return bool(response.status == 200)
    except OSError:  # refused, reset or timed out; urllib's HTTPError is one of these too
        return False


def _failure(server: Server, what: str) -> ServerFailed:
    lines = server.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    return ServerFailed(server.title, what, server.log_file, "\n".join(lines[-LOG_TAIL_LINES:]))
