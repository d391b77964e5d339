"""The order saga as Step Functions sees it: executions, their histories, and single tasks."""

import json
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from sagashop_ops.client import OrderNotEnded, StoreClient
from support.saga_coverage import Coverage
from support.saga_definition import function_of
from support.saga_history import entered_states, taken_transitions
from support.waiting import eventually

type Json = dict[str, Any]
type ClientFactory = Callable[[str], Any]

# A refund that keeps failing is tried nine times with growing pauses before the order is parked.
LONGEST_SAGA_SECONDS = 180.0


class TaskFailed(Exception):
    """A Lambda function answered with an error; `error_type` is what a `Catch` would see."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type


class Saga:
    """One store's order saga."""

    def __init__(self, stack: Mapping[str, Any], store: StoreClient, aws: ClientFactory) -> None:
        self._state_machine_arn: str = stack["state_machine_arn"]
        self._store = store
        self._stepfunctions = aws("stepfunctions")
        self._lambda = aws("lambda")
        self._ended: set[str] = set()
        pages = (
            aws("cloudformation")
            .get_paginator("list_stack_resources")
            .paginate(StackName=stack["stack_name"])
        )
        self._physical_ids: dict[str, str] = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
        }

    def function_name(self, task: str) -> str:
        """Returns the name of the function that runs a task such as `ChargePayment`."""
        return self.physical_name(function_of(task))

    def physical_name(self, function: str) -> str:
        """Returns the name of a function by its logical id without `Function`."""
        return self._physical_ids[f"{function}Function"]

    def start(self, order_id: str, saga_input: Mapping[str, Any]) -> str:
        """Starts an order's execution and returns its ARN."""
        execution = self._stepfunctions.start_execution(
            stateMachineArn=self._state_machine_arn, name=order_id, input=json.dumps(saga_input)
        )
        arn: str = execution["executionArn"]
        return arn

    def execution(self, order_id: str) -> Json:
        """Returns Step Functions' description of an order's execution."""
        description: Json = self._stepfunctions.describe_execution(
            executionArn=self._execution_arn(order_id)
        )
        return description

    def executions(self) -> list[str]:
        """Returns the name of every execution that there ever was."""
        pages = self._stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self._state_machine_arn
        )
        return [execution["name"] for page in pages for execution in page["executions"]]

    def states(self, order_id: str) -> list[str]:
        """Returns the states that an execution has entered so far; none before it starts."""
        return entered_states(self.history(order_id))

    def history(self, order_id: str) -> list[Json]:
        """Returns an execution's events so far; none before it starts."""
        pages = self._stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=self._execution_arn(order_id)
        )
        try:
            return [event for page in pages for event in page["events"]]
        except self._stepfunctions.exceptions.ExecutionDoesNotExist:
            return []

    def note_coverage(self, coverage: Coverage, *order_ids: str) -> None:
        """Tells which states and transitions orders went through, in redriven executions too.

        These orders, and those whose end somebody waited for since the last time.
        """
        for order_id in self._ended | set(order_ids):
            for redrives in count():
                events = self.history(f"{order_id}-r{redrives}" if redrives else order_id)
                if not events:
                    break
                coverage.add(entered_states(events), taken_transitions(events))
        self._ended.clear()

    def failures(self, order_id: str) -> list[str]:
        """Returns the name of each error that an order's execution met, retried ones included."""
        return [failure["error"] for failure in self._failures(order_id)]

    def run_task(self, task: str, order_id: str, /, **payload: object) -> Any:
        """Invokes one task's function as the state machine does; raises `TaskFailed`.

        `payload` holds the step's own fields, or a whole payload that a state machine once sent.
        """
        common = {"order_id": order_id, "correlation_id": "test", "execution": order_id}
        response = self._lambda.invoke(
            FunctionName=self.function_name(task),
            Payload=json.dumps({"step": task, "task": common, **payload}),
        )
        result = json.load(response["Payload"])
        if "FunctionError" in response:
            raise TaskFailed(result["errorType"], result["errorMessage"])
        return result

    def wait_until_ended(self, order_id: str) -> Json:
        """Waits for an order's end, and its execution's; returns the order.

        Fails with what the order and its execution have to tell.
        """
        try:
            order = self._store.wait_until_ended(order_id, LONGEST_SAGA_SECONDS)
        except OrderNotEnded as exc:
            raise AssertionError(f"{exc}\n{self._story(order_id)}") from exc
        # The order is written by the last task, a moment before the execution ends.
        eventually(lambda: self.execution(order_id)["status"], until=lambda s: s != "RUNNING")
        self._ended.add(order_id)
        return order

    def wait_until_all_ended(self, *order_ids: str) -> list[Json]:
        """Waits for each order's end; returns the orders."""
        return [self.wait_until_ended(order_id) for order_id in order_ids]

    def _execution_arn(self, order_id: str) -> str:
        machine = self._state_machine_arn.replace(":stateMachine:", ":execution:")
        return f"{machine}:{order_id}"

    def _failures(self, order_id: str) -> list[Json]:
        return [
            details
            for event in self.history(order_id)
            for name, details in event.items()
            if name.endswith("FailedEventDetails")
        ]

    def _story(self, order_id: str) -> str:
        told = [
            f"  {event['type']}: {event['summary']}" for event in self._store.timeline(order_id)
        ]
        failures = self._failures(order_id)
        return "\n".join(
            [
                "its timeline:",
                *told,
                f"its execution: {' -> '.join(self.states(order_id)) or 'never started'}",
                f"its last failure: {failures[-1] if failures else 'none'}",
            ]
        )
