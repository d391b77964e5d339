"""Starts the saga of an order on Step Functions."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from order.domain import Order, execution_input

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class SagaNotStarted(Exception):
    """Step Functions could not be reached, or refused; the saga may have started all the same."""


@cache
def client() -> "SFNClient":
    """Returns the process's one client; it fails fast, since a lost start is made up for later."""
    return boto3.client(
        "stepfunctions",
        config=Config(
            connect_timeout=1,
            read_timeout=3,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )


def start(stepfunctions: "SFNClient", state_machine_arn: str, order: Order) -> None:
    """Starts the order's saga, at most once: the execution is named after the order.

    A standard workflow's name is taken for 90 days, so a saga that runs or ran is not started
    again: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    Raises SagaNotStarted.
    """
    try:
        stepfunctions.start_execution(
            stateMachineArn=state_machine_arn, name=order.order_id, input=execution_input(order)
        )
    except stepfunctions.exceptions.ExecutionAlreadyExists:
        return
    except (BotoCoreError, ClientError) as exc:
        raise SagaNotStarted(order.order_id) from exc
