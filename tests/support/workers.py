"""The processes that run a store's Lambda functions, seen from outside."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import psutil

from sagashop_local.paths import StorePaths
from sagashop_local.processes import ProcessTable
from sagashop_local.servers import ENGINE


def workers_of(stack: Mapping[str, Any], function_name: str) -> Iterator[psutil.Process]:
    """Yields the worker processes of one function; a store beside it may have one of that name."""
    port = urlsplit(stack["endpoint_url"]).port
    assert port is not None
    engine = ProcessTable(StorePaths(port).processes_file).running(ENGINE)
    assert engine is not None, "the engine has died"
    for process in psutil.Process(engine.pid).children():
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function_name:
                yield process
        except psutil.NoSuchProcess:  # zombies included
            continue


def kill_workers_of(stack: Mapping[str, Any], function_name: str) -> int:
    """Kills a function's workers as `kill -9` does; returns how many there were."""
    killed = 0
    for process in workers_of(stack, function_name):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        killed += 1
    return killed
