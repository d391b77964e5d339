"""What passes between the engine and a worker."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One version of one function, as a worker needs to know it."""

    qualifier: str
    handler: str
    package: Path
    timeout_seconds: int
    memory_mb: int
    variables: dict[str, str]
    """The whole environment of the worker but for what is the worker's own."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of a function."""

    request_id: str
    function_arn: str
    payload: bytes
    trace_header: str
    client_context: str | None
    """JSON, as the caller's SDK sent it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: the JSON answer (an error's, where it failed) and the lines it logged."""

    payload: bytes
    is_error: bool
    logs: str
