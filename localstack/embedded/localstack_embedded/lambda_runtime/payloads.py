"""What Lambda itself answers and logs, as opposed to the function.

Shapes and wording are those that AWS answers, because callers match on them: a state machine's
`ErrorEquals` names `Sandbox.Timedout`, log queries parse `REPORT` lines.
"""

import json
import math
import signal
from dataclasses import dataclass
from datetime import UTC, datetime

# AWS's quota is 6 MB each way; its own message for responses says 100 bytes more.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_REQUEST_BYTES = 6 * 1024 * 1024
MAX_RESPONSE_BYTES = MAX_REQUEST_BYTES + 100


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended; a `status` means that the worker cannot take another one."""

    payload: bytes
    is_error: bool = True
    status: str | None = None
    last_line: str = ""


def timed_out(request_id: str, timeout_seconds: int) -> Ending:
    """The declared timeout passed."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = f"Task timed out after {timeout_seconds:.2f} seconds"
    return Ending(
        _error("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"),
        status="timeout",
        last_line=f"{now} {request_id} {text}\n",
    )


def exited(request_id: str, exit_status: int) -> Ending:
    """The worker ended by itself; a negative `exit_status` is the signal that killed it."""
    if exit_status < 0:
        name = signal.strsignal(-exit_status) or str(-exit_status)
        reason = f"with error: signal: {name.lower()}"
    elif exit_status == 0:
        reason = "without providing a reason"
    else:
        reason = f"with error: exit status {exit_status}"
    text = f"RequestId: {request_id} Error: Runtime exited {reason}"
    return Ending(
        _error("Runtime.ExitError", text),
        status="error",
        last_line=f"{text}\nRuntime.ExitError\n",
    )


def response_too_large() -> Ending:
    """The function returned more than Lambda passes on."""
    return Ending(
        _error(
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size "
            f"({MAX_RESPONSE_BYTES} bytes).",
        )
    )


def _error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


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
