"""LocalStack engines of the tests' own, for tests of limits and of an engine's end."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from localstack_embedded.settings import engine_command, engine_environment
from support.lambda_functions import LambdaFunctions
from support.waiting import eventually

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / ".local" / "envs"
SMALL_LIMIT = 2
KEEPALIVE_MS = 1500


@dataclass(frozen=True)
class Engine:
    """An engine of the tests' own, with room for two workers that are reaped after 1.5 seconds."""

    process: subprocess.Popen[bytes]
    functions: LambdaFunctions

    def workers(self) -> list[int]:
        """The ids of its worker processes, which are forked from its children, the zygotes."""
        engine = psutil.Process(self.process.pid)
        workers = set(engine.children(recursive=True)) - set(engine.children())
        return [worker.pid for worker in workers if is_running(worker.pid)]


@contextmanager
def running_engine(home: Path) -> Iterator[Engine]:
    """Starts an engine on a free port, and kills it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = engine_environment(
        port=port,
        state_dir=home,
        worker_python=ENVIRONMENTS / "runtime" / "bin" / "python",
        dynamodb_url="http://127.0.0.1:1",
        worker_limit=SMALL_LIMIT,
    )
    (home / "engine" / "tmp").mkdir(parents=True)
    with (home / "engine.log").open("wb") as log:
        process = subprocess.Popen(
            engine_command(ENVIRONMENTS / "engine" / "bin" / "python"),
            cwd=home,
            env=environment | {"LAMBDA_KEEPALIVE_MS": str(KEEPALIVE_MS)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: is_listening(port) or process.poll() is not None)
        assert process.poll() is None, (home / "engine.log").read_text()
        yield Engine(process, LambdaFunctions(f"http://127.0.0.1:{port}", "us-east-1"))
    finally:
        process.kill()
        process.wait()


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_running(pid: int) -> bool:
    """Whether any thread of a process runs: its first one may have ended before the others."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False
