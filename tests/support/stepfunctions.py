"""A stand-in for Step Functions: it starts executions, tells how they are, and wakes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError


class FakeStepFunctions:
    """Starts an execution once a name; `refuse_with` is the error code it answers with instead.

    `states` holds how each execution is doing, `histories` its events (`pages_of` of them come with
    a call), `waiting` the task tokens under which one waits, and `woken` those that were sent.
    """

    class exceptions:  # noqa: N801 (botocore's name)
        """Where botocore's clients keep their error classes."""

        class ExecutionAlreadyExists(ClientError):
            """The name is taken."""

        class ExecutionDoesNotExist(ClientError):
            """No execution has the name."""

        class TaskDoesNotExist(ClientError):
            """No task waits under the token."""

        class TaskTimedOut(ClientError):
            """The task has stopped waiting."""

        class InvalidToken(ClientError):
            """The token never was one."""

    def __init__(self) -> None:
        self.executions: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.histories: dict[str, Sequence[Mapping[str, Any]]] = {}
        self.pages_of = 1000
        self.waiting: set[str] = set()
        self.woken: list[str] = []
        self.refuse_with: str | None = None

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: N803, A002
        """StartExecution."""
        self._refuse("StartExecution")
        if name in self.executions:
            raise _error(self.exceptions.ExecutionAlreadyExists, "StartExecution")
        self.executions[name] = input
        self.states[name] = "RUNNING"
        return {"executionArn": f"{stateMachineArn}:{name}"}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        """DescribeExecution."""
        self._refuse("DescribeExecution")
        state = self.states.get(executionArn.rsplit(":", maxsplit=1)[-1])
        if state is None or ":execution:" not in executionArn:
            raise _error(self.exceptions.ExecutionDoesNotExist, "DescribeExecution")
        return {"status": state}

    def get_execution_history(
        self,
        *,
        executionArn: str,  # noqa: N803
        maxResults: int,  # noqa: N803
        includeExecutionData: bool,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        """GetExecutionHistory."""
        self._refuse("GetExecutionHistory")
        assert not includeExecutionData, "payment tokens are among what states are given"
        history = self.histories.get(executionArn.rsplit(":", maxsplit=1)[-1])
        if history is None or ":execution:" not in executionArn:
            raise _error(self.exceptions.ExecutionDoesNotExist, "GetExecutionHistory")
        start = int(nextToken)
        end = start + min(maxResults, self.pages_of)
        more = {"nextToken": str(end)} if end < len(history) else {}
        return {"events": history[start:end], **more}

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803
        """SendTaskSuccess."""
        self._refuse("SendTaskSuccess")
        if taskToken not in self.waiting:
            raise _error(self.exceptions.TaskDoesNotExist, "SendTaskSuccess")
        self.waiting.remove(taskToken)
        self.woken.append(taskToken)

    def _refuse(self, operation: str) -> None:
        if self.refuse_with is not None:
            raise ClientError(
                {"Error": {"Code": self.refuse_with, "Message": self.refuse_with}}, operation
            )


def _error(kind: type[ClientError], operation: str) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": kind.__name__}}, operation)
