"""One worker: the process that is an execution environment, from its start to its end."""

import contextlib
import os
import selectors
import shutil
import time
from pathlib import Path

import psutil

from localstack_embedded.lambda_runtime import payloads, runtime_api
from localstack_embedded.lambda_runtime.models import FunctionSpec, Invocation, Outcome
from localstack_embedded.lambda_runtime.payloads import Ending
from localstack_embedded.lambda_runtime.runtime_api import Request, RuntimeApi
from localstack_embedded.lambda_runtime.zygote import Zygotes

# Lambda gives the init phase 10 s before it counts against the timeout of the first call.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
INIT_SECONDS = 10.0
_MORE_THAN_A_PIPE_HOLDS = 1024 * 1024


class Worker:
    """A process with AWS's runtime client in it, which serves one call after another.

    Not thread-safe: the pool leases it to one caller at a time.
    """

    def __init__(
        self, spec: FunctionSpec, zygotes: Zygotes, *, generation: str, scratch: Path
    ) -> None:
        """Has the process forked and returns; the first call waits for its init.

        `generation` is the state of the package's code. `scratch` is where the function's workers
        have their directories for temporary files, named by their pids; `retire` removes this
        one's. Raises OSError where the interpreter or the package is missing.
        """
        self._spec = spec
        self._logs = bytearray()
        self._is_retired = False
        self._init_ms = 0.0
        self._peak_mb = 0
        self._forked_at = time.monotonic()
        with contextlib.ExitStack() as resources:
            self._selector = resources.enter_context(selectors.DefaultSelector())
            self._api = RuntimeApi(self._selector)
            resources.callback(self._api.close)
            self._output, child_output = os.pipe()
            resources.callback(os.close, self._output)
            os.set_blocking(self._output, False)
            self._selector.register(self._output, selectors.EVENT_READ, self._read_output)
            worker = {
                "handler": spec.handler,
                "package": str(spec.package),
                "scratch": str(scratch),
                "variables": spec.variables | {"AWS_LAMBDA_RUNTIME_API": self._api.address},
            }
            try:
                self._process = zygotes.fork(spec.package, generation, worker, child_output)
            finally:
                os.close(child_output)
            resources.callback(self._process.close)
            resources.callback(shutil.rmtree, scratch / str(self.pid), ignore_errors=True)
            self._selector.register(self._process, selectors.EVENT_READ, self._notice_exit)
            self._resources = resources.pop_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        """Says whether it can take another call."""
        return not self._is_retired and self._process.poll() is None

    def invoke(self, invocation: Invocation) -> Outcome:
        """Runs the function once; the worker is retired where that leaves it unfit for more calls.

        The function's own exceptions come back as the error that the runtime client made of them;
        a timeout, a crash and a failed init as the error that Lambda makes of them.
        """
        request_id, timeout = invocation.request_id, self._spec.timeout_seconds
        is_cold = self._init_ms == 0
        init_logs = ""
        started_at = time.monotonic()
        if is_cold:
            # Where init takes longer than Lambda allows, the rest counts against the timeout.
            request = self._await_request(self._forked_at + INIT_SECONDS + timeout)
            self._init_ms = (time.monotonic() - self._forked_at) * 1000
        else:
            request = self._await_request(started_at + timeout)
        if request is not None and request.path != runtime_api.INIT_ERROR:
            if is_cold:
                init_logs, started_at = self._take_logs(), time.monotonic()
            request = self._exchange(request, invocation, started_at + timeout)
        ending = self._ending_of(request_id, request)
        duration_ms = (time.monotonic() - started_at) * 1000
        used_mb = self._most_memory_mb()
        if ending.status is not None:
            self.retire()
        logs = [
            init_logs,
            f"START RequestId: {request_id} Version: {self._spec.qualifier}\n",
            self._take_logs(),
            ending.last_line,
            f"END RequestId: {request_id}\n",
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
        self._process.kill()

    def retire(self) -> None:
        """Kills the process and all that it started, and removes its files. Repeatable."""
        if self._is_retired:
            return
        self._is_retired = True
        self.interrupt()
        self._process.wait()
        self._read_output()
        self._resources.close()

    def _exchange(
        self, request: Request, invocation: Invocation, deadline: float
    ) -> Request | None:
        """Answers the worker's request for a call; returns the request that posts its result."""
        seconds_left = deadline - time.monotonic()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds_left) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_header,
        }
        if invocation.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        with contextlib.suppress(OSError):  # The wait that follows notices a dead worker.
            request.answer(200, invocation.payload, headers)
        result = self._await_request(deadline)
        if result is not None:
            with contextlib.suppress(OSError):
                result.answer(202, b'{"status":"OK"}\n')
            # What the function printed was written before its result was posted.
            self._read_output()
        return result

    def _ending_of(self, request_id: str, result: Request | None) -> Ending:
        if result is None:
            exit_status = self._process.poll()
            if exit_status is None:
                return payloads.timed_out(request_id, self._spec.timeout_seconds)
            return payloads.exited(request_id, exit_status)
        if result.path == runtime_api.INIT_ERROR:
            return Ending(result.body, status="error")
        if result.path != runtime_api.response_path(request_id):
            return Ending(result.body)
        if len(result.body) > payloads.MAX_RESPONSE_BYTES:
            return payloads.response_too_large()
        return Ending(result.body, is_error=False)

    def _await_request(self, deadline: float) -> Request | None:
        """Collects output until the worker sends a request.

        Returns None where it ends first, or `deadline`, on the monotonic clock, passes.
        """
        while (seconds_left := deadline - time.monotonic()) > 0:
            exit_status = self._process.poll()
            ready = self._selector.select(seconds_left if exit_status is None else 0)
            for key, _ in ready:
                request: Request | None = key.data()
                if request is not None:
                    return request
            # Only once its sockets are read empty: its last words may be the result.
            if exit_status is not None and not ready:
                break
        return None

    def _notice_exit(self) -> None:
        """Lets `_await_request` look, and no more: the channel stays readable from now on."""
        self._selector.unregister(self._process)

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
            now_mb = psutil.Process(self.pid).memory_info().rss // 1024**2
            self._peak_mb = max(self._peak_mb, now_mb)
        return self._peak_mb
