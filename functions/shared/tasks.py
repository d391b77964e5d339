"""Turns the saga's steps into one Lambda handler for each service.

The state machine invokes it with the name of the state that asks. `SagaSteps` finds the step that
is registered under that name, parses the payload, binds the log's ids, counts the outcome, and lets
typed exceptions propagate: the state machine catches them by name.

Metrics (dimensions `service` and `step`, one count a call): `StepSucceeded`; `StepRefused`, the
business said no; `StepDeferred`, it may succeed on a retry; `StepFailed`, anything else, worth an
alarm.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, overload

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared import chaos, logging, settings
from shared.errors import (
    BusinessError,
    FieldError,
    TransientError,
    UnknownStep,
    ValidationFailed,
)
from shared.events import Origin
from shared.fields import Fields
from shared.logging import logger

type Step[C] = Callable[[C], dict[str, Any]]
type Query = Callable[[Fields], dict[str, Any]]

_metrics = Metrics()


@dataclass(frozen=True, slots=True)
class Task:
    """What every step is told: the order, the execution that asks, and where it all comes from.

    `sequence` is the order's version as the saga last learned it; None where nobody told.
    """

    order_id: str
    execution: str
    origin: Origin
    sequence: int | None = None


class Command(Protocol):
    """A step's typed input: a frozen model with a `task` and the step's own fields."""

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        """Reads the step's own fields; what is wrong is reported by `fields`."""
        ...


class SagaSteps:
    """The steps of one service, each under the name of its state.

        steps = SagaSteps()

        @steps.saga_task("CommitStock")
        def commit_stock(task: Task) -> dict[str, Any]: ...

        @steps.saga_task("ReserveStock", ReserveStock)
        def reserve_stock(command: ReserveStock) -> dict[str, Any]: ...

        handler = steps.handler

    A step returns a JSON object, its state's result. The same function answers other services'
    queries, which change nothing:

        @steps.query("owed")
        def owed(fields: Fields) -> dict[str, Any]: ...
    """

    def __init__(self) -> None:
        self._steps: dict[str, Callable[[Task, Fields], dict[str, Any]]] = {}
        self._queries: dict[str, Query] = {}

    @overload
    def saga_task(self, state: str) -> Callable[[Step[Task]], Step[Task]]: ...

    @overload
    def saga_task[C: Command](
        self, state: str, command: type[C]
    ) -> Callable[[Step[C]], Step[C]]: ...

    def saga_task(
        self, state: str, command: type[Command] | None = None
    ) -> Callable[[Step[Any]], Step[Any]]:
        """Registers a step under its state's name; one without a command gets the Task itself."""

        def register(step: Step[Any]) -> Step[Any]:
            def run(task: Task, fields: Fields) -> dict[str, Any]:
                argument = task if command is None else command.read(task, fields)
                fields.check()
                logger.info("step started")
                return chaos.disturbed(state, task.origin.correlation_id, lambda: step(argument))

            assert state not in self._steps, f"two steps are named {state}"
            self._steps[state] = run
            return step

        return register

    def query(self, name: str) -> Callable[[Query], Query]:
        """Registers what answers `{"query": name, …}`; it reads the query's own fields."""

        def register(answer: Query) -> Query:
            self._queries[name] = answer
            return answer

        return register

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def handler(self, payload: Any, context: LambdaContext) -> dict[str, Any]:
        """The Lambda handler; returns what the step named `step` returns.

        The payload is `{"step", "task": {"order_id", "correlation_id", "trace_id", "execution",
        "sequence"}, …}` with the step's own fields. Raises ValidationFailed where it doesn't fit
        and UnknownStep where the service has no such step: bugs of the state machine's, hence
        compensated. Or it is `{"query", …}`; it raises ValidationFailed where no query fits.
        """
        fields = Fields(payload)
        if isinstance(payload, Mapping) and "query" in payload:
            return self._answer(fields, context)
        name = fields.text("step")
        task = _task(fields.object("task"), context)
        logging.bind(
            context,
            step=name,
            order_id=task.order_id,
            execution=task.execution,
            correlation_id=task.origin.correlation_id,
            trace_id=task.origin.trace_id,
        )
        # A metric's dimension is never empty.
        step = name if name in self._steps else "unknown"
        try:
            result = self._run(name, task, fields)
        except BusinessError as refusal:
            logger.info("step refused", error=type(refusal).__name__, reason=str(refusal))
            _count("StepRefused", step)
            raise
        except TransientError as exc:
            logger.warning("step deferred", error=type(exc).__name__, reason=str(exc))
            _count("StepDeferred", step)
            raise
        except Exception as exc:
            logger.exception("step failed", error=type(exc).__name__)
            _count("StepFailed", step)
            raise
        logger.info("step succeeded")
        _count("StepSucceeded", step)
        return result

    def _answer(self, fields: Fields, context: LambdaContext) -> dict[str, Any]:
        logging.bind(context)
        name = fields.text("query")
        fields.check()
        if name not in self._queries:
            known = ", ".join(sorted(self._queries)) or "none: this service answers no queries"
            raise ValidationFailed([FieldError("query", f"must be one of {known}")])
        answer = self._queries[name](fields)
        logger.info("query answered", query=name)
        return answer

    def _run(self, name: str, task: Task, fields: Fields) -> dict[str, Any]:
        if name not in self._steps:
            fields.check()
            raise UnknownStep(name)
        return self._steps[name](task, fields)


def _task(fields: Fields, context: LambdaContext) -> Task:
    return Task(
        order_id=fields.text("order_id"),
        execution=fields.text("execution"),
        origin=Origin(
            correlation_id=fields.text("correlation_id"),
            causation_id=context.aws_request_id,
            # An order that was placed without a trace id is traced by its invocations.
            trace_id=fields.optional_text("trace_id") or settings.trace_id(),
        ),
        sequence=fields.optional_integer("sequence", minimum=1),
    )


def _count(metric: str, step: str) -> None:
    _metrics.add_dimension("step", step)
    _metrics.add_metric(metric, MetricUnit.Count, 1)
    _metrics.flush_metrics()
