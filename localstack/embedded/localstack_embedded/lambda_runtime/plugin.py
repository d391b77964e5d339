"""Registers the executor with LocalStack; `LAMBDA_RUNTIME_EXECUTOR=process` selects it."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """Loads the executor only where it is selected."""

    name = "process"

    def load(self, *args: object, **kwargs: object) -> type[RuntimeExecutor]:
        # Importing it replaces parts of LocalStack.
        from localstack_embedded.lambda_runtime.executor import (  # noqa: PLC0415
            ProcessRuntimeExecutor,
        )

        return ProcessRuntimeExecutor
