"""The whole store in one process: the real handlers and the real state machine, on moto's tables.

Nothing happens by itself. A test delivers one task, one event or one request after another, in any
order and as often as it likes, and decides what goes wrong with each: see `Mishap`.

Every service is imported with an environment of its own, as a Lambda worker would be, and twice: so
that a second worker can act while the first is in the middle of its step. What a function would
reach over the network is replaced at one seam, `boto3.client`: DynamoDB is moto's; Step Functions,
Lambda and SES are this module's own.
"""

import importlib
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from types import ModuleType
from typing import Any
from unittest.mock import patch

import boto3
from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from builders import a_request
from shared.dynamodb import from_item, to_item
from support.model_walker import Delivery, Execution
from support.saga_definition import function_of, load_definition
from support.template import resources, table_definition

type Json = dict[str, Any]
type Row = Mapping[str, Any]

REGION = "us-east-1"
WORKERS = 2
PAYMENT_WAIT_SECONDS = 900
SERVICES = ("order", "inventory", "payment", "shipping")
_STATE_MACHINE = f"arn:aws:states:{REGION}:{DEFAULT_ACCOUNT_ID}:stateMachine:model"
_BEGINNING = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Killed(BaseException):
    """The worker died: nothing in it may catch this."""


@dataclass(frozen=True)
class Mishap:
    """What goes wrong with one call of a function.

    Attributes:
        kind: "refused" before the function begins; "lost", its answer never arrives; "killed"
            before its DynamoDB call number `call`; "unanswered", that call works and its answer is
            lost; "interrupted", something else happens before that call.
        error: what the state machine is told of a call that was refused or lost.
        call: counted from 0; where the function makes fewer calls, nothing goes wrong.
    """

    kind: str = "none"
    error: str = "Lambda.Unknown"
    call: int = 0
    interruption: Callable[[], None] | None = None


FINE = Mishap()


@dataclass
class Answer:
    """What came of a call: a result, or an error's name, as the caller learned of it."""

    result: Any = None
    error: str | None = None
    cause: str = ""


class Worker:
    """A process of one service: it has imported the service, and the kernel, for itself alone."""

    def __init__(self, environment: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._environment = environment
        self._now = now
        self._modules: dict[str, ModuleType] = {}

    def call(self, handler: str, payload: Any, context: Any) -> Any:
        """Calls the function that a template's `Handler` names, in the worker's environment."""
        name, _, attribute = handler.rpartition(".")
        function = getattr(self.module(name), attribute)
        with patch.dict(os.environ, self._environment):
            return function(payload, context)

    def module(self, name: str) -> ModuleType:
        """Returns the worker's own copy of a module."""
        if name not in self._modules:
            self._import(name)
        return self._modules[name]

    def _import(self, name: str) -> None:
        """Imports a module among the worker's own, which nobody else gets to see."""
        others = {known: module for known, module in sys.modules.items() if _is_ours(known)}
        for known in others:
            del sys.modules[known]
        try:
            sys.modules.update(self._modules)
            with patch.dict(os.environ, self._environment):
                importlib.import_module(name)
            self._modules = {
                known: module for known, module in sys.modules.items() if _is_ours(known)
            }
            self._modules["shared.clock"].now = self._now  # type: ignore[attr-defined]
        finally:
            for known in [known for known in sys.modules if _is_ours(known)]:
                del sys.modules[known]
            sys.modules.update(others)


@dataclass(frozen=True)
class _Context:
    aws_request_id: str = "request-1"
    function_name: str = "model"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:model"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


@dataclass
class _Call:
    """The call under way in one worker, and how often it went to DynamoDB so far."""

    mishap: Mishap
    made: int = -1
    is_due: bool = False


@dataclass
class Cloud:
    """One store. `now` stands still until a test moves it."""

    workers: Mapping[str, list[Worker]]
    now: datetime = _BEGINNING
    executions: dict[str, Execution] = field(default_factory=dict)
    delivered: dict[str, list[Delivery]] = field(default_factory=dict)
    """Everything that an order's tasks were ever sent."""
    published: set[str] = field(default_factory=set)
    serials: Iterator[int] = field(default_factory=count)
    _calls: list[_Call] = field(default_factory=list)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # What a client, the state machine and the bus do

    def request(
        self,
        method: str,
        resource: str,
        body: Any = None,
        mishap: Mishap = FINE,
        headers: Mapping[str, str] | None = None,
        function: str = "OrderApi",
        **path: str,
    ) -> tuple[int, Json] | None:
        """Calls the HTTP API; None where no answer came."""
        event = a_request(method, resource, body=body, headers=dict(headers or {}), **path)
        answer = self.invoke(function, event, mishap)
        if answer.error is not None:
            return None
        return answer.result["statusCode"], json.loads(answer.result["body"])

    def deliver(self, delivery: Delivery, mishap: Mishap = FINE) -> Answer:
        """Calls a task's function; what its execution makes of the answer is left to the caller."""
        self.delivered.setdefault(delivery.order_id, []).append(delivery)
        return self.invoke(function_of(delivery.task), delivery.payload, mishap)

    def step(self, execution: Execution, mishap: Mishap = FINE, *, for_good: bool = False) -> str:
        """Delivers the task that an execution stands at, tells it the outcome; returns the task.

        The outcome comes too late where the task's token came back first.
        """
        delivery, token = execution.delivery(), execution.token
        answer = self.deliver(delivery, mishap)
        if not execution.is_running or (execution.task, execution.token) != (delivery.task, token):
            return delivery.task  # its token came back meanwhile, or it was stopped
        if answer.error is not None:
            execution.fail(answer.error, answer.cause, for_good=for_good)
        elif execution.hands_out_a_token:
            execution.wait()
            assert execution.wait_seconds is not None
            self._deadlines[execution.name] = self.now + timedelta(seconds=execution.wait_seconds)
        else:
            execution.succeed(answer.result)
        return delivery.task

    def time_out(self, execution: Execution) -> bool:
        """Ends a wait whose time is over; returns whether it is."""
        if self._deadlines[execution.name] > self.now:
            return False
        execution.fail("States.Timeout")
        return True

    def publish(self, event: Row) -> None:
        """Delivers one event to who listens: here, to the function that starts sagas."""
        if event["detail_type"] == "OrderPlaced":
            self.invoke(
                "StartSaga",
                {
                    "source": event["source"],
                    "detail-type": event["detail_type"],
                    "detail": json.loads(event["detail"]),
                },
            )
        self.published.add(event["event_id"])

    def sweep(self, function: str, grace_seconds: int = 0) -> Json:
        """Runs a sweeper over what has lain for so long."""
        answer = self.invoke(function, {"grace_seconds": grace_seconds})
        assert answer.error is None, f"{function}: {answer.error}: {answer.cause}"
        report: Json = answer.result
        return report

    def invoke(self, function: str, payload: Any, mishap: Mishap = FINE) -> Answer:
        """Calls a function by its name in the template, without `Function`."""
        if mishap.kind == "refused":
            return Answer(error=mishap.error)
        handler = resources("AWS::Serverless::Function")[f"{function}Function"]["Handler"]
        service = _service_of(function)
        # Whoever interrupts a worker is another one.
        worker = self.workers[service][len(self._calls) % WORKERS]
        self._calls.append(_Call(mishap))
        self.now += timedelta(milliseconds=1)
        try:
            # Metrics are printed; here they would only be in the way of a failure's story.
            with redirect_stdout(io.StringIO()):
                result = worker.call(handler, json.loads(json.dumps(payload)), _Context())
        except Killed:
            return Answer(error="Runtime.ExitError")
        except Exception as exc:
            return Answer(error=type(exc).__name__, cause=str(exc))
        finally:
            self._calls.pop()
        if mishap.kind == "lost":
            return Answer(error=mishap.error)
        return Answer(json.loads(json.dumps(result)))

    # What an auditor sees

    def rows(self, service: str) -> list[Row]:
        """Returns a service's rows, past its API: quickly, and whatever goes wrong there."""
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table_name(service)]
        return [
            from_item({name: value.to_regular_json() for name, value in item.attrs.items()})
            for item in table.all_items()
        ]

    def put(self, service: str, row: Row) -> None:
        """Writes a row, as whoever seeds or repairs the store."""
        boto3.client("dynamodb").put_item(TableName=table_name(service), Item=to_item(row))

    # Step Functions, Lambda, and DynamoDB's mishaps

    _deadlines: dict[str, datetime] = field(default_factory=dict)

    def before_dynamodb(self) -> None:
        if not self._calls:
            return
        call = self._calls[-1]
        call.made += 1
        call.is_due = call.made == call.mishap.call
        if call.is_due and call.mishap.kind == "killed":
            raise Killed
        if call.is_due and call.mishap.kind == "interrupted":
            assert call.mishap.interruption is not None
            call.mishap.interruption()

    def after_dynamodb(self) -> None:
        if self._calls and self._calls[-1].is_due and self._calls[-1].mishap.kind == "unanswered":
            raise ConnectionClosedError(endpoint_url="model")


class StepFunctions:
    """What the store's functions use of a client for Step Functions, on a `Cloud`'s executions."""

    class exceptions:  # noqa: N801 (botocore's name)
        """Where botocore's clients keep their error classes."""

        class ExecutionAlreadyExists(ClientError):
            """The name is taken."""

        class ExecutionDoesNotExist(ClientError):
            """No execution has, or had, the name."""

        class TaskDoesNotExist(ClientError):
            """The engine doesn't know the token."""

        class TaskTimedOut(ClientError):
            """Nothing waits for the token any more."""

        class InvalidToken(ClientError):
            """The token is none."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._executions = cloud.executions

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Json:  # noqa: N803, A002
        """StartExecution."""
        if name in self._executions:
            raise _refusal(self.exceptions.ExecutionAlreadyExists, "StartExecution")
        self._executions[name] = Execution(
            load_definition(), name, json.loads(input), self._cloud.serials
        )
        return {"executionArn": _execution_arn(stateMachineArn, name)}

    def describe_execution(self, *, executionArn: str) -> Json:  # noqa: N803
        """DescribeExecution."""
        name = executionArn.rpartition(":")[2]
        if name not in self._executions:
            raise _refusal(self.exceptions.ExecutionDoesNotExist, "DescribeExecution")
        return {"name": name, "status": self._executions[name].status}

    def send_task_success(self, *, taskToken: str, output: str) -> Json:  # noqa: N803
        """SendTaskSuccess; a token comes back before its function has answered, too."""
        execution = self._executions.get(taskToken.partition("/")[0])
        if execution is None:
            raise _refusal(self.exceptions.TaskDoesNotExist, "SendTaskSuccess")
        if not execution.is_running or execution.token != taskToken:
            raise _refusal(self.exceptions.TaskTimedOut, "SendTaskSuccess")
        execution.succeed(json.loads(output))
        return {}


class Lambda:
    """What the store's functions use of a client for Lambda: calling one another."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def invoke(self, *, FunctionName: str, Payload: bytes | str, **_: Any) -> Json:  # noqa: N803
        """Invoke, waiting for the answer."""
        answer = self._cloud.invoke(FunctionName, json.loads(Payload))
        if answer.error is not None:
            failure = {"errorType": answer.error, "errorMessage": answer.cause}
            return {"FunctionError": "Unhandled", "Payload": _stream(failure)}
        return {"StatusCode": 200, "Payload": _stream(answer.result)}


@contextmanager
def open_cloud() -> Iterator[Callable[[], Cloud]]:
    """Yields a maker of stores; each is new, and the ones before it are gone."""
    current: list[Cloud] = []
    make_client = boto3.client

    def client(service: str, *arguments: Any, **options: Any) -> Any:
        match service:
            case "stepfunctions":
                return _Latest(lambda: StepFunctions(current[0]))
            case "lambda":
                return _Latest(lambda: Lambda(current[0]))
        made = make_client(service, *arguments, **options)
        if service == "dynamodb":
            before, after = "before-call.dynamodb", "after-call.dynamodb"
            made.meta.events.register(before, lambda **_: current[0].before_dynamodb())
            made.meta.events.register(after, lambda **_: current[0].after_dynamodb())
        return made

    workers = {
        service: [
            Worker(_ENVIRONMENT | {"TABLE_NAME": table_name(service)}, lambda: current[0].now)
            for _ in range(WORKERS)
        ]
        for service in SERVICES
    }

    def make() -> Cloud:
        current[:] = [Cloud(workers)]
        for backend in dynamodb_backends[DEFAULT_ACCOUNT_ID].values():
            backend.tables.clear()
        dynamodb = make_client("dynamodb")
        for service in SERVICES:
            definition = table_definition(f"{service.capitalize()}Table")
            dynamodb.create_table(**definition, TableName=table_name(service))
        return current[0]

    with (
        patch.dict(os.environ, _ENVIRONMENT),
        mock_aws(),
        patch.object(boto3, "client", client),
    ):
        yield make


class _Latest:
    """A client that acts on whichever store is the latest: functions keep their clients."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "CHAOS_PARAMETER": "",
    "OPERATOR_SECRET_ARN": "model-operator-secret",
    "ORDER_QUERIES_FUNCTION": "OrderQueries",
    "PAYMENT_REPLY_TIMEOUT_SECONDS": "0.001",
    "PAYMENT_WAIT_SECONDS": str(PAYMENT_WAIT_SECONDS),
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_NAMESPACE": "sagashop",
    "POWERTOOLS_SERVICE_NAME": "model",
    "STAGE": "test",
    "STATE_MACHINE_ARN": _STATE_MACHINE,
    "SWEEP_GRACE_SECONDS": "300",
}


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"shared", *SERVICES}


def _execution_arn(state_machine_arn: str, name: str) -> str:
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _refusal(kind: type[ClientError], operation: str) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": kind.__name__}}, operation)


def _stream(value: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(value).encode())


def table_name(service: str) -> str:
    return f"model-{service}"


def _service_of(function: str) -> str:
    handler = resources("AWS::Serverless::Function")[f"{function}Function"]["Handler"]
    return str(handler.partition(".")[0])
