"""What Lambda itself answers and logs, as opposed to the function.

Shapes and wording are those that AWS answers, because callers match on them: a state machine's
`ErrorEquals` names `Sandbox.Timedout`, log queries parse `REPORT` lines.
"""

import json
import math
import signal
from datetime import UTC, datetime

# AWS's quota is 6 MB each way; its own message for responses says 100 bytes more.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_RESPONSE_BYTES = MAX_REQUEST_BYTES + 100


def _timeout_text(timeout_seconds: int) -> str:
    return f"Task timed out after {timeout_seconds:.2f} seconds"


def _exit_text(exit_status: int) -> str:
    """`exit_status` as in `Popen.returncode`: negative means killed by that signal."""
    if exit_status < 0:
        name = signal.strsignal(-exit_status) or str(-exit_status)
        return f"Error: Runtime exited with error: signal: {name.lower()}"
    if exit_status == 0:
        return "Error: Runtime exited without providing a reason"
    return f"Error: Runtime exited with error: exit status {exit_status}"


def _error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def timed_out(request_id: str, timeout_seconds: int) -> bytes:
    """The answer where the declared timeout passed."""
    message = f"RequestId: {request_id} Error: {_timeout_text(timeout_seconds)}"
    return _error("Sandbox.Timedout", message)


def exited(request_id: str, exit_status: int) -> bytes:
    """The answer where the worker ended by itself; `exit_status` as in `Popen.returncode`."""
    return _error("Runtime.ExitError", f"RequestId: {request_id} {_exit_text(exit_status)}")


def response_too_large() -> bytes:
    """The answer where the function returned more than Lambda passes on."""
    return _error(
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size "
        f"({MAX_RESPONSE_BYTES} bytes).",
    )


def start_line(request_id: str, qualifier: str) -> str:
    return f"START RequestId: {request_id} Version: {qualifier}\n"


def timed_out_line(request_id: str, timeout_seconds: int) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{now} {request_id} {_timeout_text(timeout_seconds)}\n"


def exited_line(request_id: str, exit_status: int) -> str:
    return f"RequestId: {request_id} {_exit_text(exit_status)}\nRuntime.ExitError\n"


def end_line(request_id: str) -> str:
    return f"END RequestId: {request_id}\n"


def report_line(
    request_id: str,
    *,
    duration_ms: float,
    init_ms: float | None,
    memory_mb: int,
    used_mb: int,
    status: str | None = None,
) -> str:
    """The bill: `init_ms` for a cold start only, `status` for a call that ended its worker."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(duration_ms)} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {used_mb} MB",
    ]
    if init_ms is not None:
        fields.append(f"Init Duration: {init_ms:.2f} ms")
    if status is not None:
        fields.append(f"Status: {status}")
    return "\t".join(fields) + "\t\n"
