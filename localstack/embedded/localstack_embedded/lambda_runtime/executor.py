"""LocalStack's view of it all: an executor for each execution environment."""

import base64
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache, partial
from pathlib import Path

from localstack.aws.api.lambda_ import (
    InvalidRequestContentException,
    RequestTooLargeException,
)
from localstack.runtime.shutdown import SHUTDOWN_HANDLERS
from localstack.services.lambda_.invocation.execution_environment import (
    ExecutionEnvironment,
)
from localstack.services.lambda_.invocation.lambda_models import (
    FunctionVersion,
    InvocationResult,
)
from localstack.services.lambda_.invocation.lambda_models import (
    Invocation as LambdaInvocation,
)
from localstack.services.lambda_.invocation.runtime_executor import (
    LambdaRuntimeException,
    RuntimeExecutor,
)

from localstack_embedded.lambda_runtime import payloads, telemetry, tracing
from localstack_embedded.lambda_runtime.environment import function_variables
from localstack_embedded.lambda_runtime.models import FunctionSpec, Invocation
from localstack_embedded.lambda_runtime.pool import Demand, WorkerPool
from localstack_embedded.lambda_runtime.settings import Settings
from localstack_embedded.lambda_runtime.worker import Worker
from localstack_embedded.lambda_runtime.zygote import Zygotes
from localstack_embedded.patches import patch

LOG = logging.getLogger(__name__)

GENERATION_FILE = ".generation"
"""In a hot-reload directory: whoever changes the code changes this file's content last."""

_client_context: ContextVar[str | None] = ContextVar("client_context", default=None)


@patch(ExecutionEnvironment.invoke, source="cf0e0565", test="test_the_callers_context_arrives")
def _invoke_with_client_context(
    original: Callable[[ExecutionEnvironment, LambdaInvocation], InvocationResult],
    self: ExecutionEnvironment,
    invocation: LambdaInvocation,
) -> InvocationResult:
    """Passes on the client context, of which LocalStack does not tell its executors."""
    token = _client_context.set(invocation.client_context)
    try:
        return original(self, invocation)
    finally:
        _client_context.reset(token)


class _Engine:
    """What all executors of this process share; made when LocalStack validates the executor."""

    def __init__(self) -> None:
        telemetry.start_publishing_metrics()
        self.settings = Settings.from_environment(os.environ)
        self.pool = WorkerPool[Worker](self.settings.worker_limit)
        # Ahead of LocalStack's services, whose own shutdown waits for calls in progress.
        SHUTDOWN_HANDLERS.register(self.pool.close)
        self.zygotes = Zygotes(self.settings.worker_python)
        # `lambda-workers/FUNCTION/PID` is a worker's own: it tells which processes run a function.
        self.scratch = Path(tempfile.gettempdir()) / "lambda-workers"
        shutil.rmtree(self.scratch, ignore_errors=True)  # Left by an engine that was killed.


_engine = cache(_Engine)


def _version_key(function_version: FunctionVersion) -> str:
    """Tells versions apart; a new one for every update of code or configuration."""
    return f"{function_version.qualified_arn}@{function_version.config.internal_revision}"


def _read_generation(function_version: FunctionVersion) -> str:
    """Only a hot-reload directory changes; a directory without the file never does."""
    code = function_version.config.code
    if code is None or not code.is_hot_reloading():
        return ""
    try:
        return (code.get_unzipped_code_location() / GENERATION_FILE).read_text()
    except FileNotFoundError:
        return ""


class ProcessRuntimeExecutor(RuntimeExecutor):
    """Runs an execution environment's calls in workers of the shared pool.

    Starting it starts no process: the first call does, when the pool has room for one.
    """

    _spec: FunctionSpec

    def start(self, env_vars: dict[str, str]) -> None:
        function = self.function_version.config
        # What the executor cannot run has failed in `prepare_version`.
        assert function.code is not None
        assert function.handler is not None
        assert function.runtime is not None
        package = function.code.get_unzipped_code_location()
        self._spec = FunctionSpec(
            qualifier=self.function_version.id.qualifier,
            handler=function.handler,
            package=package,
            timeout_seconds=function.timeout,
            memory_mb=function.memory_size,
            variables=function_variables(
                env_vars,
                function.environment or {},
                package=package,
                runtime=function.runtime,
                dynamodb_endpoint_url=_engine().settings.dynamodb_endpoint_url,
            ),
        )

    def stop(self) -> None:
        _engine().pool.retire_environment(self.id)

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Raises RequestTooLargeException before anything is started for the call."""
        event = payload["payload"].encode()
        if len(event) > payloads.MAX_REQUEST_BYTES:
            raise RequestTooLargeException(
                f"Request must be smaller than {payloads.MAX_REQUEST_BYTES} bytes "
                "for the InvokeFunction operation",
                Type="User",
            )
        segment_id = tracing.new_segment_id()
        trace_header = payload["trace-id"]
        invocation = Invocation(
            request_id=payload["invoke-id"],
            function_arn=payload["invoked-function-arn"],
            payload=event,
            trace_header=tracing.with_parent(trace_header, segment_id),
            client_context=_decode_client_context(_client_context.get()),
        )
        demand = Demand(
            call_id=segment_id,
            version_key=_version_key(self.function_version),
            environment_id=self.id,
            generation=_read_generation(self.function_version),
            caller=tracing.parent_of(trace_header),
        )
        engine = _engine()
        start = partial(
            Worker,
            self._spec,
            engine.zygotes,
            generation=demand.generation,
            scratch=engine.scratch / self.function_version.id.function_name,
        )
        with engine.pool.lease(demand, start) as worker:
            outcome = worker.invoke(invocation)
        return InvocationResult(
            request_id=invocation.request_id,
            payload=outcome.payload,
            is_error=outcome.is_error,
            logs=outcome.logs,
        )

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """For LocalStack's own init binary, which isn't used: workers have their own API."""
        return ""

    def get_logs(self) -> str:
        """Every call's logs are in its result; there are no others."""
        return ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpacks the code and starts its zygote, so that the first call finds it warm.

        Raises LambdaRuntimeException for what cannot run as a process.
        """
        function = function_version.config
        runtime = function.runtime or "container images"
        if function.code is None or not runtime.startswith("python"):
            raise LambdaRuntimeException(
                f"The process executor runs zip packages of Python code, not {runtime}"
            )
        function.code.prepare_for_execution()
        package = function.code.get_unzipped_code_location()
        _engine().zygotes.warm(package, _read_generation(function_version))

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        _engine().pool.retire_version(_version_key(function_version))

    @classmethod
    def validate_environment(cls) -> bool:
        """Says at the engine's start whether functions will run."""
        python = _engine().settings.worker_python
        if not python.exists():
            LOG.error("LAMBDA_WORKER_PYTHON names %s, which does not exist", python)
            return False
        return True


def _decode_client_context(encoded: str | None) -> str | None:
    """Returns base64-encoded JSON as JSON on one ASCII line, fit for a header."""
    if not encoded:
        return None
    try:
        return json.dumps(json.loads(base64.b64decode(encoded)))
    except ValueError as exc:
        raise InvalidRequestContentException(
            "Client context must be a valid Base64-encoded JSON object.", Type="User"
        ) from exc
