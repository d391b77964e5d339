"""What runs in a zygote, and in the workers forked from it until AWS's runtime client takes over.

Run by path, with the runtime's interpreter: `python -s -P zygote_main.py CONTROL_FD PACKAGE`.
It imports nothing of ours, because the engine's packages must stay out of the function's sight.
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

# What most functions use. Where neither the package nor the runtime has a module, it is left out.
_MODULES = (
    "awslambdaric.lambda_runtime_marshaller",
    "aws_lambda_powertools",
    "aws_lambda_powertools.metrics",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parameters",
    "chalice.app",
)
_SERVICES = ("dynamodb", "events", "lambda", "secretsmanager", "sesv2", "ssm", "stepfunctions")


def preload() -> None:
    """Imports what functions share. Opens no connection and starts no thread.

    Workers share boto3's loader, which holds the parsed models of the services; sessions, which
    read the environment, they make themselves.
    """
    for module in _MODULES:
        # A module that cannot be imported fails again, and visibly, in the function that needs it.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    with contextlib.suppress(Exception):
        boto3: Any = importlib.import_module("boto3")
        sessions: Any = importlib.import_module("botocore.session")
        sessions.create_loader = functools.cache(sessions.create_loader)
        session = boto3.Session("none", "none", region_name="us-east-1")
        for service in _SERVICES:
            session.client(service)


def fork_workers(control: socket.socket) -> tuple[socket.socket, int] | None:
    """Forks a worker for each message on `control`, which carries its channel and its output.

    Sends the worker's pid over its channel, and its exit status at its end. Returns channel and
    output in each worker; in the zygote, None when the engine and all workers have ended.
    """
    channels: dict[int, socket.socket] = {}
    child_ended, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    watched = [control, child_ended]
    while control in watched or channels:
        ready, _, _ = select.select(watched, [], [])
        if child_ended in ready:
            child_ended.recv(4096)
            _report_ended(channels)
        if control not in ready:
            continue
        _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not descriptors:
            watched.remove(control)
            continue
        channel, output = socket.socket(fileno=descriptors[0]), descriptors[1]
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for not_ours in (control, child_ended, wakeup, *channels.values()):
                not_ours.close()
            return channel, output
        os.close(output)
        channels[pid] = channel
        # The worker does so as well: whoever is first, the engine can kill the worker's group, and
        # with it what the function started, when it knows the pid.
        with contextlib.suppress(OSError):  # The worker has ended already.
            os.setpgid(pid, pid)
        _send_number(channel, pid)
    return None


def _report_ended(channels: dict[int, socket.socket]) -> None:
    while channels:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with channels.pop(pid) as channel:
            _send_number(channel, os.waitstatus_to_exitcode(status))


def _send_number(channel: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # The engine no longer listens.
        channel.sendall(number.to_bytes(4, signed=True))


def serve_calls(channel: socket.socket, output: int) -> None:
    """Turns this process into the worker that the channel's first line describes."""
    os.setpgid(0, 0)
    with channel.makefile("rb") as lines:
        worker = json.loads(lines.readline())
    os.set_inheritable(channel.fileno(), False)
    threading.Thread(target=die_with_the_engine, args=(channel,), daemon=True).start()
    for standard_stream in (1, 2):
        os.dup2(output, standard_stream)
    os.close(output)

    scratch = Path(worker["scratch"], str(os.getpid()))
    scratch.mkdir(parents=True)
    os.environ.clear()
    os.environ.update({"TMPDIR": str(scratch)} | worker["variables"])
    # The interpreter read its own when it started. The package, the first entry, stays first.
    sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    os.chdir(worker["package"])
    time.tzset()
    gc.enable()
    # It reads the environment while it is imported.
    runtime_client = importlib.import_module("awslambdaric.__main__")
    runtime_client.main(["awslambdaric", worker["handler"]])


def die_with_the_engine(channel: socket.socket) -> None:
    """Waits for the engine's end of the channel to close, then ends this worker and its children.

    The kernel closes it however the engine ended, `kill -9` included, and on every system.
    """
    channel.recv(1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    control, package = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    # Collecting garbage writes to every object, and so would copy the memory that workers share.
    gc.disable()
    # As on Lambda: the package comes before everything, the standard library included.
    sys.path.insert(0, package)
    preload()
    gc.collect()
    gc.freeze()
    worker = fork_workers(control)
    if worker is not None:
        serve_calls(*worker)


if __name__ == "__main__":
    main()
