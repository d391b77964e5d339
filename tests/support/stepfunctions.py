"""A stand-in for Step Functions that only starts executions."""

from typing import Any

from botocore.exceptions import ClientError


class FakeStepFunctions:
    """Starts an execution once a name; `refuse_with` is the error code it answers with instead."""

    class exceptions:  # noqa: N801 (botocore's name)
        """Where botocore's clients keep their error classes."""

        class ExecutionAlreadyExists(ClientError):
            """The name is taken."""

    def __init__(self) -> None:
        self.executions: dict[str, str] = {}
        self.refuse_with: str | None = None

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: N803, A002
        """StartExecution."""
        if self.refuse_with is not None:
            raise _error(ClientError, self.refuse_with)
        if name in self.executions:
            raise _error(self.exceptions.ExecutionAlreadyExists, "ExecutionAlreadyExists")
        self.executions[name] = input
        return {"executionArn": f"{stateMachineArn}:{name}"}


def _error(kind: type[ClientError], code: str) -> ClientError:
    return kind({"Error": {"Code": code, "Message": code}}, "StartExecution")
