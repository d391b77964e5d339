"""Makes Lambda handlers out of the saga's steps.

A step is a function from a typed command to a JSON object. `saga_task` parses the payload, binds
the log's ids, counts the outcome, and lets typed exceptions fly: the state machine catches them by
name.

Metrics (namespace `sagashop`, dimensions `service` and `step`, one count a call):
`StepSucceeded`; `StepRefused`, the business said no; `StepDeferred`, it may succeed on a retry;
`StepFailed`, anything else, worth an alarm.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from shared import logging, settings
from shared.errors import BusinessError, TransientError
from shared.events import Origin
from shared.fields import Fields
from shared.logging import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

type Handler = Callable[[Any, LambdaContext], dict[str, Any]]

_metrics = Metrics()


@dataclass(frozen=True, slots=True)
class Task:
    """What every step is told: the order, the execution that asks, and where it all comes from."""

    order_id: str
    execution: str
    origin: Origin


class Command(Protocol):
    """A step's typed input: a frozen model with a `task` and the step's own fields."""

    @property
    def task(self) -> Task:
        """The part that all steps share."""
        ...

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads the step's own fields; what is wrong is reported by `fields`."""
        ...


def saga_task[C: Command](
    command_type: type[C],
) -> Callable[[Callable[[C], dict[str, Any]]], Handler]:
    """Returns a decorator that makes a step the Lambda handler of the state of the same name.

        @saga_task(ReserveStock)
        def reserve_stock(command: ReserveStock) -> dict[str, Any]: ...

    The payload is `{"order_id", "correlation_id", "trace_id", "execution", …}` with the command's
    own fields; an execution from before there were trace ids is traced by its invocations. One
    that doesn't fit raises ValidationFailed: a bug of the state machine's, hence compensated.
    """

    def decorate(step: Callable[[C], dict[str, Any]]) -> Handler:
        @functools.wraps(step)
        def handler(payload: Any, context: "LambdaContext") -> dict[str, Any]:
            name = command_type.__name__
            try:
                command = _parse(command_type, payload, context)
                logger.info("step started")
                result = step(command)
            except BusinessError as refusal:
                logger.info("step refused", error=type(refusal).__name__, reason=str(refusal))
                _count("StepRefused", name)
                raise
            except TransientError as exc:
                logger.warning("step deferred", error=type(exc).__name__, reason=str(exc))
                _count("StepDeferred", name)
                raise
            except Exception as exc:
                logger.exception("step failed", error=type(exc).__name__)
                _count("StepFailed", name)
                raise
            logger.info("step succeeded")
            _count("StepSucceeded", name)
            return result

        return handler

    return decorate


def _parse[C: Command](command_type: type[C], payload: Any, context: "LambdaContext") -> C:
    fields = Fields(payload)
    task = Task(
        order_id=fields.text("order_id"),
        execution=fields.text("execution"),
        origin=Origin(
            correlation_id=fields.text("correlation_id"),
            causation_id=context.aws_request_id,
            trace_id=fields.optional_text("trace_id") or settings.trace_id(),
        ),
    )
    logging.bind(
        context,
        step=command_type.__name__,
        order_id=task.order_id,
        execution=task.execution,
        correlation_id=task.origin.correlation_id,
        trace_id=task.origin.trace_id,
    )
    command = command_type.read(task, fields)
    fields.check()
    return command


def _count(metric: str, step: str) -> None:
    _metrics.add_dimension("step", step)
    _metrics.add_metric(metric, MetricUnit.Count, 1)
    _metrics.flush_metrics()
