"""Runs the saga of an order on Step Functions: starts it, tells its state and history, wakes it."""

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from order.domain import Order
from order.saga_input import execution_input
from shared import clock
from shared.logging import logger

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.literals import ExecutionStatusType
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef


# The most that one call returns.
_HISTORY_PAGE = 1000


class SagaNotStarted(Exception):
    """Step Functions was not reached, or refused; the saga may have started nevertheless."""


class SagaUnreachable(Exception):
    """Step Functions did not return what it was asked about an execution."""


@cache
def client() -> "SFNClient":
    """Returns the process's one client; it fails fast, because a lost start is repeated later."""
    return boto3.client(
        "stepfunctions",
        config=Config(
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )


class Sagas:
    """The executions of one state machine."""

    def __init__(self, state_machine_arn: str, payment_wait_seconds: int) -> None:
        self._state_machine_arn = state_machine_arn
        self._payment_wait_seconds = payment_wait_seconds

    def start(self, order: Order) -> None:
        """Starts the order's current execution, at most once: its name says which it is.

        A standard workflow's name is taken for 90 days, so a saga that runs or ran is not started
        again: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
        Raises SagaNotStarted.
        """
        try:
            client().start_execution(
                stateMachineArn=self._state_machine_arn,
                name=order.execution,
                input=execution_input(order, self._payment_wait_seconds, clock.now()),
            )
        except client().exceptions.ExecutionAlreadyExists:
            return
        except (BotoCoreError, ClientError) as exc:
            raise SagaNotStarted(order.order_id) from exc

    def start_or_leave(self, order: Order) -> None:
        """Starts the execution, or leaves that to the OrderPlaced event and to the sweeper."""
        try:
            self.start(order)
        except SagaNotStarted:
            logger.warning("saga not started", exc_info=True)

    def state(self, order: Order) -> "ExecutionStatusType | None":
        """Returns the status of the order's current execution (`RUNNING`, `FAILED`, …).

        None where Step Functions does not know it: it never started, or was forgotten. Raises
        SagaUnreachable.
        """
        try:
            return client().describe_execution(executionArn=self._arn(order.execution))["status"]
        except client().exceptions.ExecutionDoesNotExist:
            return None
        except (BotoCoreError, ClientError) as exc:
            raise SagaUnreachable(order.order_id) from exc

    def history(self, execution: str) -> "list[HistoryEventTypeDef]":
        """Returns the events of an execution so far, without what its states take and return.

        Empty where Step Functions does not know it: it keeps a history for 90 days after the end.
        The saga's retries bound how many there are: about a thousand. Raises SagaUnreachable.
        """
        events: list[HistoryEventTypeDef] = []
        page: dict[str, Any] = {}
        try:
            while True:
                answer = client().get_execution_history(
                    executionArn=self._arn(execution),
                    maxResults=_HISTORY_PAGE,
                    includeExecutionData=False,
                    **page,
                )
                events += answer["events"]
                if "nextToken" not in answer:
                    return events
                page = {"nextToken": answer["nextToken"]}
        except client().exceptions.ExecutionDoesNotExist:
            return []
        except (BotoCoreError, ClientError) as exc:
            raise SagaUnreachable(execution) from exc

    def _arn(self, execution: str) -> str:
        machine = self._state_machine_arn.replace(":stateMachine:", ":execution:")
        return f"{machine}:{execution}"


def wake(task_token: str) -> bool:
    """Wakes the execution that waits under this task token; returns whether one did.

    Nothing depends on it: the time limit wakes the execution too, and the call carries no decision.
    """
    try:
        client().send_task_success(taskToken=task_token, output="{}")
    except (
        client().exceptions.TaskDoesNotExist,
        client().exceptions.TaskTimedOut,
        client().exceptions.InvalidToken,
    ) as exc:
        logger.info("nobody waits any more", error=type(exc).__name__)
        return False
    except (BotoCoreError, ClientError):
        logger.warning("saga not woken", exc_info=True)
        return False
    logger.info("saga is woken")
    return True
