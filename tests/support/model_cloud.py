"""The whole store in one process: the real handlers and the real state machine, on moto's tables.

Nothing happens by itself. A test delivers one task, one event or one request after another, in any
order and as often as it likes, and decides what goes wrong with each: see `Mishap`.

Every service is imported with an environment of its own, as a Lambda worker would be, and twice: so
that a second worker can act while the first is in the middle of its step. What a function would
reach over the network is replaced at one seam, `boto3.client`: DynamoDB is moto's; Step Functions,
Lambda and SES are this module's own. Each worker has a clock of its own, which may be minutes off.
"""

import copy
import importlib
import io
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import jwt
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    ReadTimeoutError,
)
from moto import mock_aws
from moto.core import responses as moto_responses
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.serialize import ResponseSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

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
"""Those that take part in sagas; the notification service has a worker and a table, too."""
OPERATOR = "operator@example.com"
TOKEN_KEYS = {"current": "first", "first": "the model's key, which is no secret"}
PARTNERS = {"payment": "error_rate", "shipping": "error_rate", "notification": "failure_rate"}
"""Who may be down, and the injected failure that stands for it."""
_ALL_SERVICES = (*SERVICES, "notification")
_NO_ANSWER = {"Error": {"Code": "InternalFailure", "Message": "no answer"}}
_STATE_MACHINE = f"arn:aws:states:{REGION}:{DEFAULT_ACCOUNT_ID}:stateMachine:model"
_METHOD_NAMES = cache(moto_responses.method_names_from_class)
_MOTOS_GET_VALUE = ResponseSerializer.get_value
_BEGINNING = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Killed(BaseException):
    """The worker died: nothing in it may catch this."""


@dataclass(frozen=True)
class Mishap:
    """What goes wrong with one call of a function.

    Attributes:
        kind: "refused" before the function begins; "lost", its answer never arrives; "killed"
            before its DynamoDB call number `call`; "unanswered", that call works and its answer is
            lost; "interrupted", something else happens before that call. Further, of what it calls
            beside DynamoDB: "not started" or "started unanswered", StartExecution fails, the latter
            after its effect; "lagging", DescribeExecution answers what was so before; "not mailed"
            or "mailed unanswered", SES fails, the latter after its effect.
        error: what the state machine is told of a call that was refused or lost.
        call: counted from 0; where the function makes fewer calls, nothing goes wrong.
    """

    kind: str = "none"
    error: str = "Lambda.Unknown"
    call: int = 0
    interruption: Callable[[], None] | None = None


FINE = Mishap()


@dataclass(frozen=True)
class Mail:
    """A message that SES has accepted."""

    order_id: str
    event_type: str
    to: str
    subject: str
    at: datetime


@dataclass
class Answer:
    """What came of a call: a result, or an error's name, as the caller learned of it."""

    result: Any = None
    error: str | None = None
    cause: str = ""


class Worker:
    """A process of one service: it has imported the service, and the kernel, for itself alone."""

    def __init__(
        self,
        environment: Mapping[str, str],
        now: Callable[[], datetime],
        failures: Callable[[], Json],
    ) -> None:
        self._environment = environment
        self._now = now
        self._failures = failures
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
            if chaos := self._modules.get("shared.chaos"):
                chaos.read = lambda: chaos.parse(self._failures())  # type: ignore[attr-defined]
            if contention := self._modules.get("shared.contention"):
                # Nobody else comes in while a worker of the model sleeps.
                contention.time = SimpleNamespace(sleep=lambda _: None)  # type: ignore[attr-defined]
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
    published: set[tuple[str, str]] = field(default_factory=set)
    """The listener and the event's id of every delivery that succeeded."""
    mails: list[Mail] = field(default_factory=list)
    down: set[str] = field(default_factory=set)
    """The partners that answer no request now: of PARTNERS."""
    offsets: dict[tuple[str, int], float] = field(default_factory=dict)
    """How many seconds the clock of a service's worker is ahead."""
    on_effect: Callable[[], None] = lambda: None
    """Is told after each call to DynamoDB that worked."""
    on_event: Callable[[str], None] = lambda _: None
    """Is told, in a word, what the cloud itself has let happen."""
    serials: Iterator[int] = field(default_factory=count)
    _calls: list[_Call] = field(default_factory=list)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def clock_of(self, service: str, worker: int) -> datetime:
        """Returns the time as one of a service's workers reads it."""
        return self.now + timedelta(seconds=self.offsets.get((service, worker), 0))

    @property
    def mishap(self) -> Mishap:
        """What goes wrong with the call under way."""
        return self._calls[-1].mishap if self._calls else FINE

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
        """Calls the HTTP API, about an order with its token; None where no answer came."""
        own = path and {"Authorization": f"Bearer {token_for('order', path['order_id'])}"}
        event = a_request(method, resource, body=body, headers={**own, **(headers or {})}, **path)
        answer = self.invoke(function, event, mishap)
        if answer.error is not None:
            return None
        return answer.result["statusCode"], json.loads(answer.result["body"])

    def deliver(self, delivery: Delivery, mishap: Mishap = FINE) -> Answer:
        """Calls a task's function; what its execution makes of the answer is left to the caller."""
        self.delivered.setdefault(delivery.order_id, []).append(delivery)
        return self.invoke(function_of(delivery.task), delivery.payload, mishap)

    def step(
        self, execution: Execution, mishap: Mishap = FINE, *, for_good: bool = False
    ) -> Answer:
        """Delivers the task that an execution stands at, tells it the outcome, and returns that.

        The outcome comes too late where the task's token came back first.
        """
        delivery, token = execution.delivery(), execution.token
        handed_out = execution.handed_out
        answer = self.deliver(delivery, mishap)
        if not execution.is_running or (execution.task, execution.token) != (delivery.task, token):
            return answer  # its token came back meanwhile, or it was stopped
        if answer.error is not None:
            pause = execution.fail(answer.error, answer.cause, for_good=for_good)
            if answer.error in _WAITED_OUT:
                self.advance(pause)
        elif execution.hands_out_a_token:
            execution.wait()
            assert execution.wait_seconds is not None
            # The engine's timer runs from before the function began.
            self._deadlines[execution.name] = handed_out + timedelta(seconds=execution.wait_seconds)
        else:
            execution.succeed(answer.result)
        return answer

    def time_out(self, execution: Execution) -> bool:
        """Ends a wait whose time is over; returns whether it is."""
        if self._deadlines[execution.name] > self.now:
            return False
        execution.fail("States.Timeout")
        return True

    def publish(self, listener: str, event: Row, mishap: Mishap = FINE) -> bool:
        """Delivers an event to one of its listeners; returns whether that succeeded."""
        published = {
            "source": event["source"],
            "detail-type": event["detail_type"],
            "detail": json.loads(event["detail"]),
        }
        if listener == "StartSaga":
            succeeded = self.invoke(listener, published, mishap).error is None
        else:
            message = {"messageId": event["event_id"], "body": json.dumps(published)}
            answer = self.invoke(listener, {"Records": [message]}, mishap)
            succeeded = answer.error is None and not answer.result["batchItemFailures"]
        if succeeded:
            self.published.add((listener, event["event_id"]))
        return succeeded

    def sweep(self, function: str, grace_seconds: int = 0, mishap: Mishap = FINE) -> Json | None:
        """Runs a sweeper over what has lain for so long; None where no answer came."""
        answer = self.invoke(function, {"grace_seconds": grace_seconds}, mishap)
        if mishap is FINE:
            assert answer.error is None, f"{function}: {answer.error}: {answer.cause}"
        report: Json | None = answer.result
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
        return [_plain(item) for item in table.all_items()]

    def row(self, service: str, partition: str, sort_key: str) -> Row:
        """Returns one row; raises KeyError."""
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table_name(service)]
        item = table.items[DynamoType({"S": partition})][DynamoType({"S": sort_key})]
        return _plain(item)

    def statuses(self) -> dict[str, str]:
        """Returns every order's status; cheap enough to be asked after each write."""
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[table_name("order")]
        return {
            item.attrs["order_id"].value: item.attrs["status"].value
            for rows in table.items.values()
            for item in rows.values()
            if item.range_key.value == "ORDER"
        }

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
        self.on_effect()
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
        kind = self._cloud.mishap.kind
        if kind == "not started":
            self._cloud.on_event("StartExecution fails")
            raise ConnectTimeoutError(endpoint_url="model")
        if name in self._executions:
            raise _refusal(self.exceptions.ExecutionAlreadyExists, "StartExecution")
        self._executions[name] = Execution(
            load_definition(),
            name,
            json.loads(input),
            self._cloud.serials,
            lambda: self._cloud.now,
        )
        if kind == "started unanswered":
            self._cloud.on_event("StartExecution fails after its effect")
            raise ReadTimeoutError(endpoint_url="model")
        return {"executionArn": _execution_arn(stateMachineArn, name)}

    def describe_execution(self, *, executionArn: str) -> Json:  # noqa: N803
        """DescribeExecution."""
        name = executionArn.rpartition(":")[2]
        execution = self._executions.get(name)
        lags = self._cloud.mishap.kind == "lagging"
        if execution is None or (lags and execution.is_running):
            if execution is not None:
                self._cloud.on_event("DescribeExecution does not know a running execution")
            raise _refusal(self.exceptions.ExecutionDoesNotExist, "DescribeExecution")
        if lags:
            self._cloud.on_event("DescribeExecution tells an ended execution to run")
        return {"name": name, "status": "RUNNING" if lags else execution.status}

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


class Ses:
    """What the store's functions use of a client for SES: it keeps what it accepts."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def send_email(self, *, Destination: Json, Message: Json, Tags: list[Json], **_: Any) -> Json:  # noqa: N803
        """SendEmail."""
        kind = self._cloud.mishap.kind
        if kind == "not mailed":
            refusal = _NO_ANSWER | {"ResponseMetadata": {"HTTPStatusCode": 400}}
            raise ClientError(refusal, "SendEmail")  # type: ignore[arg-type]
        tags = {tag["Name"]: tag["Value"] for tag in Tags}
        (to,) = Destination["ToAddresses"]
        subject = Message["Subject"]["Data"]
        self._cloud.mails.append(
            Mail(tags["order_id"], tags["event_type"], to, subject, self._cloud.now)
        )
        if kind == "mailed unanswered":
            raise ReadTimeoutError(endpoint_url="model")
        return {"MessageId": f"mail-{len(self._cloud.mails)}"}


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
            case "ses":
                return _Latest(lambda: Ses(current[0]))
        made = make_client(service, *arguments, **options)
        if service == "dynamodb":
            before, after = "before-call.dynamodb", "after-call.dynamodb"
            made.meta.events.register(before, lambda **_: current[0].before_dynamodb())
            made.meta.events.register(after, lambda **_: current[0].after_dynamodb())
        return made

    def worker(service: str, number: int) -> Worker:
        return Worker(
            _ENVIRONMENT | {"TABLE_NAME": table_name(service)},
            lambda: current[0].clock_of(service, number),
            lambda: {partner: {PARTNERS[partner]: 1} for partner in current[0].down},
        )

    workers = {
        service: [worker(service, number) for number in range(WORKERS)] for service in _ALL_SERVICES
    }

    def make() -> Cloud:
        current[:] = [Cloud(workers)]
        for backend in dynamodb_backends[DEFAULT_ACCOUNT_ID].values():
            backend.tables.clear()
        dynamodb = make_client("dynamodb")
        for service in _ALL_SERVICES:
            definition = table_definition(f"{service.capitalize()}Table")
            # Nobody reads the stream: the model delivers the events itself.
            definition.pop("StreamSpecification", None)
            dynamodb.create_table(**definition, TableName=table_name(service))
        return current[0]

    with (
        patch.dict(os.environ, _ENVIRONMENT),
        mock_aws(),
        patch.object(boto3, "client", client),
        patch.object(ResponseSerializer, "get_value", _get_value),
        patch.object(Table, "__deepcopy__", _copy_table, create=True),
        patch.object(moto_responses, "method_names_from_class", _METHOD_NAMES),
    ):
        make_client("secretsmanager").create_secret(
            Name=_ENVIRONMENT["TOKEN_KEYS_ARN"], SecretString=json.dumps(TOKEN_KEYS)
        )
        yield make


def _get_value(serializer: Any, value: Any, key: str, shape: Any) -> Any:
    """Picks a member of an answer as moto does, without looking for it under further names.

    DynamoDB's answers in moto have the service's own names. It halves the time of a call.
    """
    if (
        isinstance(value, dict)
        and serializer.operation_model.service_model.service_name == "dynamodb"
    ):
        return value.get(key)
    return _MOTOS_GET_VALUE(serializer, value, key, shape)


def _copy_table(table: Any, memo: Any) -> Any:
    """Copies what moto restores after a transaction that failed: the items, and nothing else."""
    twin = copy.copy(table)
    twin.items = defaultdict(dict)
    for partition, items in table.items.items():
        twin.items[partition] = copy.deepcopy(items, memo)
    return twin


class _Latest:
    """A client that acts on whichever store is the latest: functions keep their clients."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


# The errors whose retries are about waiting: they take their time here, too.
_WAITED_OUT = frozenset({"PaymentWindowOpen", "CircuitOpen"})
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "CHAOS_PARAMETER": "",
    "INVENTORY_STEPS_FUNCTION": "InventorySteps",
    "NOTIFICATION_SENDER": "orders@example.com",
    "OPERATOR_EMAIL": OPERATOR,
    "TOKEN_KEYS_ARN": "model-token-keys",
    "ORDER_QUERIES_FUNCTION": "OrderQueries",
    "PAYMENT_REPLY_TIMEOUT_SECONDS": "0.001",
    "PAYMENT_STEPS_FUNCTION": "PaymentSteps",
    "PAYMENT_WAIT_SECONDS": str(PAYMENT_WAIT_SECONDS),
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "POWERTOOLS_METRICS_NAMESPACE": "sagashop",
    "POWERTOOLS_SERVICE_NAME": "model",
    "SHIPPING_STEPS_FUNCTION": "ShippingSteps",
    # Every order of the model is the same customer's.
    "UNPAID_ORDERS_PER_CALLER": "1000",
    "UNPAID_UNITS_PER_CALLER": "1000",
    "UNPAID_ORDERS_PER_ADDRESS": "1000",
    "UNPAID_UNITS_PER_ADDRESS": "1000",
    "ORDERS_PER_CALLER": "100000",
    "ORDERS_PER_ADDRESS": "100000",
    "STAGE": "test",
    "STATE_MACHINE_ARN": _STATE_MACHINE,
    "SWEEP_GRACE_SECONDS": "300",
}


def _plain(item: Any) -> Row:
    return from_item({name: value.to_regular_json() for name, value in item.attrs.items()})


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in {"shared", *_ALL_SERVICES}


def _execution_arn(state_machine_arn: str, name: str) -> str:
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _refusal(kind: type[ClientError], operation: str) -> ClientError:
    return kind({"Error": {"Code": kind.__name__, "Message": kind.__name__}}, operation)


def _stream(value: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(value).encode())


@cache
def listeners() -> tuple[tuple[str, frozenset[str], frozenset[str] | None], ...]:
    """Returns who listens to the bus: the function, the sources, and the types (None: all)."""
    return tuple(
        (
            target["Id"],
            frozenset(rule["EventPattern"]["source"]),
            frozenset(types) if (types := rule["EventPattern"].get("detail-type")) else None,
        )
        for rule in resources("AWS::Events::Rule").values()
        for target in rule["Targets"]
    )


def listeners_of(event: Row) -> Collection[str]:
    """Returns the functions that an event is delivered to."""
    return [
        function
        for function, sources, types in listeners()
        if event["source"] in sources and (types is None or event["detail_type"] in types)
    ]


def token_for(audience: str, subject: str, **claims: str) -> str:
    """Returns a token that is valid at any time: each function has a clock of its own."""
    always = {"iat": 0, "nbf": 0, "exp": 2**40}
    own = {"aud": audience, "sub": subject, **claims, **always}
    return jwt.encode(own, TOKEN_KEYS["first"], headers={"kid": "first"})


def table_name(service: str) -> str:
    return f"model-{service}"


def _service_of(function: str) -> str:
    handler = resources("AWS::Serverless::Function")[f"{function}Function"]["Handler"]
    return str(handler.partition(".")[0])
