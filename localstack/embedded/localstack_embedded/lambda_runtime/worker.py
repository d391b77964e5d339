"""One worker: the process that is an execution environment, from its start to its end."""

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from localstack_embedded.lambda_runtime import payloads, runtime_api
from localstack_embedded.lambda_runtime.models import FunctionSpec, Invocation, Outcome
from localstack_embedded.lambda_runtime.runtime_api import Request, RuntimeApi

# Lambda gives the init phase 10 s before it counts against the timeout of the first call.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_SECONDS = 10.0
_MAIN = Path(__file__).with_name("worker_main.py")
_LIVENESS_CHECK_SECONDS = 0.05
_MORE_THAN_A_PIPE_HOLDS = 1024 * 1024


class _WorkerExited(Exception):
    """The process ended while an answer of it was awaited."""

    def __init__(self, exit_status: int) -> None:
        super().__init__(f"exit status {exit_status}")
        self.exit_status = exit_status


class _DeadlinePassed(Exception):
    """The worker did not answer in time."""


class _InitFailed(Exception):
    """The runtime client could not load the handler; `payload` says why."""

    def __init__(self, payload: bytes) -> None:
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a call ended; a `status` means that the worker cannot take another one."""

    payload: bytes
    is_error: bool = True
    status: str | None = None
    last_line: str = ""


class Worker:
    """A process with AWS's runtime client in it, which serves one call after another.

    Not thread-safe: the pool leases it to one caller at a time.
    """

    def __init__(self, spec: FunctionSpec, *, python: Path, lifeline: int, scratch: Path) -> None:
        """Spawns the process and returns at once; the first call waits for its init.

        `lifeline` is the read end of a pipe whose only writer is the engine, `scratch` the
        worker's own directory for temporary files; it is made here and removed by `retire`.
        Raises OSError where the interpreter or the package is missing.
        """
        self._spec = spec
        self._scratch = scratch
        self._logs = bytearray()
        self._is_initialized = False
        self._is_retired = False
        self._init_ms = 0.0
        self._peak_mb = 0
        # The worker's "give me a call", where it was read and not yet answered.
        self._next: Request | None = None
        self._spawned_at = time.monotonic()
        with contextlib.ExitStack() as resources:
            self._selector = resources.enter_context(selectors.DefaultSelector())
            self._api = RuntimeApi(self._selector)
            resources.callback(self._api.close)
            scratch.mkdir(parents=True)
            resources.callback(shutil.rmtree, scratch, ignore_errors=True)
            self._output, child_output = os.pipe()
            resources.callback(os.close, self._output)
            os.set_blocking(self._output, False)
            self._selector.register(self._output, selectors.EVENT_READ, self._read_output)
            try:
                self._process = self._spawn(python, lifeline, child_output)
            finally:
                os.close(child_output)
            self._process_info = psutil.Process(self._process.pid)
            self._resources = resources.pop_all()

    def _spawn(self, python: Path, lifeline: int, output: int) -> subprocess.Popen[bytes]:
        spec = self._spec
        return subprocess.Popen(
            # -s: no packages of the user's home; -P: not the directory of worker_main.py.
            [python, "-s", "-P", _MAIN, str(lifeline), spec.handler],
            cwd=spec.package,
            env={"TMPDIR": str(self._scratch)}
            | spec.variables
            | {"AWS_LAMBDA_RUNTIME_API": self._api.address},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lifeline],
            # A group of its own, so that what the function starts ends with it.
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        """Says whether it can take another call."""
        return not self._is_retired and self._process.poll() is None

    def is_started(self) -> bool:
        """Says whether its init is over."""
        return self._is_initialized

    def invoke(self, invocation: Invocation) -> Outcome:
        """Runs the function once; the worker is retired where that leaves it unfit for more calls.

        The function's own exceptions come back as the error that the runtime client made of them;
        a timeout, a crash and a failed init as the error that Lambda makes of them.
        """
        request_id, timeout = invocation.request_id, self._spec.timeout_seconds
        is_cold = not self._is_initialized
        init_logs = ""
        started_at = time.monotonic()
        try:
            if is_cold:
                self._initialize()
                init_logs = self._take_logs()
                started_at = time.monotonic()
            ending = self._exchange(invocation, deadline=started_at + timeout)
        except _InitFailed as exc:
            ending = _Ending(exc.payload, status="error")
        except _WorkerExited as exc:
            ending = _Ending(
                payloads.exited(request_id, exc.exit_status),
                status="error",
                last_line=payloads.exited_line(request_id, exc.exit_status),
            )
        except _DeadlinePassed:
            ending = _Ending(
                payloads.timed_out(request_id, timeout),
                status="timeout",
                last_line=payloads.timed_out_line(request_id, timeout),
            )
        duration_ms = (time.monotonic() - started_at) * 1000
        used_mb = self._most_memory_mb()
        if ending.status is not None:
            self.retire()
        logs = [
            init_logs,
            payloads.start_line(request_id, self._spec.qualifier),
            self._take_logs(),
            ending.last_line,
            payloads.end_line(request_id),
            payloads.report_line(
                request_id,
                duration_ms=duration_ms,
                init_ms=self._init_ms if is_cold else None,
                memory_mb=self._spec.memory_mb,
                used_mb=used_mb,
                status=ending.status,
            ),
        ]
        return Outcome(ending.payload, ending.is_error, "".join(logs))

    def interrupt(self) -> None:
        """Kills the process; a call in progress ends with an exit error. For any thread."""
        # The group outlives its leader where the function started processes of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def retire(self) -> None:
        """Kills the process and all that it started, and removes its files. Repeatable."""
        if self._is_retired:
            return
        self._is_retired = True
        self.interrupt()
        self._process.wait()
        self._read_output()
        self._resources.close()

    def _initialize(self) -> None:
        """Waits until the handler's module is imported and the worker asks for its first call.

        Where init takes longer than Lambda allows, the rest counts against the call's timeout.
        """
        deadline = self._spawned_at + INIT_SECONDS + self._spec.timeout_seconds
        request = self._await_request(deadline)
        self._init_ms = (time.monotonic() - self._spawned_at) * 1000
        if request.path == runtime_api.INIT_ERROR:
            raise _InitFailed(request.body)
        self._is_initialized = True
        self._next = request

    def _exchange(self, invocation: Invocation, deadline: float) -> "_Ending":
        """Hands the call to the worker and waits for its result."""
        request = self._next or self._await_request(deadline)
        self._next = None
        seconds_left = deadline - time.monotonic()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds_left) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_header,
        }
        if invocation.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        with contextlib.suppress(OSError):  # A dead worker is told by the wait that follows.
            request.answer(200, invocation.payload, headers)

        result = self._await_request(deadline)
        with contextlib.suppress(OSError):
            result.accept()
        # What the function printed was written before its result was posted.
        self._read_output()
        if result.path == runtime_api.response_path(invocation.request_id):
            if len(result.body) > payloads.MAX_RESPONSE_BYTES:
                return _Ending(payloads.response_too_large())
            return _Ending(result.body, is_error=False)
        return _Ending(result.body)

    def _await_request(self, deadline: float) -> Request:
        """Collects output until the worker sends a request.

        Raises _DeadlinePassed (`deadline` is on the monotonic clock) or _WorkerExited.
        """
        while True:
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0:
                raise _DeadlinePassed
            ready = self._selector.select(min(seconds_left, _LIVENESS_CHECK_SECONDS))
            for key, _ in ready:
                request: Request | None = key.data()
                if request is not None:
                    return request
            # Only once its sockets are read empty: its last words may be the result.
            if not ready and (exit_status := self._process.poll()) is not None:
                raise _WorkerExited(exit_status)

    def _read_output(self) -> None:
        """Takes all that is in the output pipe, without waiting."""
        try:
            data = os.read(self._output, _MORE_THAN_A_PIPE_HOLDS)
        except BlockingIOError:
            return
        self._logs += data
        if not data:  # Closed by the function or by its end: there is nothing more to watch.
            with contextlib.suppress(KeyError):
                self._selector.unregister(self._output)

    def _take_logs(self) -> str:
        """Returns the collected output as whole lines and forgets it."""
        logs = self._logs.decode(errors="replace")
        self._logs.clear()
        return logs if not logs or logs.endswith("\n") else logs + "\n"

    def _most_memory_mb(self) -> int:
        """Returns the most that was seen after any call."""
        # A process that has exited no longer tells.
        with contextlib.suppress(psutil.Error):
            now_mb = self._process_info.memory_info().rss // 1024**2
            self._peak_mb = max(self._peak_mb, now_mb)
        return self._peak_mb
