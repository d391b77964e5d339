"""The processes that run a store's Lambda functions, seen from outside."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import psutil

from sagashop_local.paths import StorePaths


def workers_of(stack: Mapping[str, Any], function_name: str) -> Iterator[psutil.Process]:
    """Yields the worker processes of one function: each has a folder, named by its pid."""
    port = urlsplit(stack["endpoint_url"]).port
    assert port is not None
    folders = StorePaths(port).engine_data / "tmp" / "lambda-workers" / function_name
    for folder in folders.glob("*"):
        with suppress(psutil.NoSuchProcess):
            yield psutil.Process(int(folder.name))


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
