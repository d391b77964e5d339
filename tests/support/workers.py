"""The processes that run Lambda functions, seen from outside."""

from collections.abc import Iterator

import psutil


def workers_of(function_name: str) -> Iterator[psutil.Process]:
    """Yields the worker processes of one function; its name is unique among all stores."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("AWS_LAMBDA_FUNCTION_NAME") == function_name:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue  # it ended meanwhile, or it is somebody else's


def kill_workers_of(function_name: str) -> int:
    """Kills a function's workers as `kill -9` does; returns how many there were."""
    killed = 0
    for process in workers_of(function_name):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
        killed += 1
    return killed
