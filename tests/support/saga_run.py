"""Runs the real state machine with scripted functions, as given / when / then.

    run.given(an_order()).when("ReserveStock", fails_with="OutOfStock").then_path(
        "ResumeOrBegin",
        "ReserveStock",
        "BeginCancellation",
        "ChooseFirstCompensation",
        "CancelOrder",
        "OrderCancelled",
    )

    run.given(an_unpaid_order()).when_customer_stays_away().then()

The interpreter is LocalStack's own, which moto carries; only the Lambda calls are faked, and time:
neither a pause nor a wait for a task token lasts. What is not scripted to fail answers as its
function would.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
import jsonpath_ng
import jsonpath_ng.ext
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.retry import jitter_strategy_decl, retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackEndpoint, CallbackOutcome
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend import execution, execution_worker
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from localstack_embedded.patches import jsonata
from support.saga_coverage import Coverage
from support.saga_definition import function_of, load_definition, placeholders
from support.saga_history import entered_states, taken_transitions

ALWAYS = 10**6
REGION = "us-east-1"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:"
ROLE_ARN = "arn:aws:iam::123456789012:role/saga"

TASK = {
    "order_id": "ord_01JX0000000000000000000001",
    "correlation_id": "cor_01",
    "trace_id": "1-67c2d3e4-0123456789abcdef01234567",
    "execution": "ord_01JX0000000000000000000001-r2",
    "sequence": 1,
}
ORDER = {
    "task": TASK,
    "items": [{"sku": "product-001", "quantity": 2}],
    "shipping_address": {
        "street": "12 Analytical Row",
        "city": "London",
        "state": "LDN",
        "zip_code": "NW1 6XE",
        "country": "GB",
    },
    "payment": {"token": "tok_visa"},
    "payment_wait_seconds": 900,
    "failure": None,
}
RESERVATION = {
    "lines": [
        {"sku": "product-001", "name": "Laptop", "quantity": 2, "unit_price_cents": 129_900},
    ],
    "total_cents": 259_800,
    "currency": "USD",
}
PAYMENT = {
    "payment_id": "pay_01",
    "status": "CAPTURED",
    "amount_cents": 259_800,
    "currency": "USD",
}
SHIPMENT = {
    "shipment_id": "shp_01",
    "carrier": "Swift Parcel",
    "tracking_number": "SP123456789US",
    "status": "CREATED",
}
REFUNDED = {
    "payment_id": "pay_01",
    "status": "REFUNDED",
    "refunded_cents": 259_800,
    "currency": "USD",
}
REFUND = {"amount_cents": 259_800, "currency": "USD"}
LATE_TOKEN = "tok_paid_later"


def an_order_row(status: str, version: int) -> dict[str, Any]:
    """Returns what a step of the order service answers."""
    return {"order_id": TASK["order_id"], "status": status, "sequence": version}


# The versions are those of an order that is paid later: the customer's payment is version 4.
ANSWERS: Mapping[str, Any] = {
    "ReserveStock": RESERVATION,
    "RecordReservation": an_order_row("PENDING", 2),
    "AwaitPayment": an_order_row("AWAITING_PAYMENT", 3),
    "ClosePaymentWindow": {"token": LATE_TOKEN, "sequence": 4},
    "ChargePayment": PAYMENT,
    "RecordPayment": an_order_row("PAID", 5),
    "CreateShipment": SHIPMENT,
    "CompleteOrder": an_order_row("COMPLETED", 6),
    "BeginCancellation": an_order_row("CANCELLING", 7),
    "RefundPayment": REFUNDED,
    "CancelOrder": an_order_row("CANCELLED", 8),
    "FlagForAttention": an_order_row("NEEDS_ATTENTION", 8),
}


def an_order(**changes: Any) -> dict[str, Any]:
    """Returns an execution's input, as the order service starts the saga with."""
    return ORDER | changes


def an_unpaid_order(**changes: Any) -> dict[str, Any]:
    """Returns the input for an order whose customer pays later."""
    return an_order(payment={"token": None}, **changes)


def an_order_that_turned_back(**changes: Any) -> dict[str, Any]:
    """Returns the input for an order whose earlier execution had begun to undo it."""
    failure = {"Error": "PaymentDeclined", "Cause": "why the saga had turned back"}
    return an_order(failure=failure, **changes)


jsonata.install("moto.stepfunctions.parser.asl")

parse_path = cache(jsonpath_ng.ext.parse)
parse_result_path = cache(jsonpath_ng.parse)
parse_definition = cache(AmazonStateLanguageParser.parse)


@dataclass(frozen=True)
class Fault:
    """A step's next `times` calls fail with `error`; the later ones succeed."""

    error: str
    times: int = ALWAYS


@dataclass
class FakeLambda:
    """Stands where the interpreter expects a Lambda client; keeps what it was called with."""

    faults: Mapping[str, Sequence[Fault]]
    answers: Mapping[str, Any]
    wake: Callable[[str], object]
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 (boto3's)
        payload = json.loads(Payload)
        step = payload["step"]
        assert FunctionName == FUNCTION_ARN + function_of(step)
        self.calls.append((step, payload))
        attempt = len([name for name, _ in self.calls if name == step])
        for fault in self.faults.get(step, ()):
            if attempt <= fault.times:
                return _fail(fault.error)
            attempt -= fault.times
        if "task_token" in payload:
            self.wake(payload["task_token"])
        return _respond(self.answers.get(step, {}))


@dataclass(frozen=True)
class Outcome:
    """How an execution went.

    Attributes:
        status: SUCCEEDED or FAILED.
        error: the error that it failed with.
        path: the states, in the order they were entered.
        calls: (step, payload) of every call, retries included.
        waits: (step, seconds) of every pause before a retry, at the longest that its jitter allows.
        unanswered: (step, seconds) of every wait for a task token that nobody sent.
    """

    status: str
    error: str | None
    path: tuple[str, ...]
    calls: tuple[tuple[str, dict[str, Any]], ...]
    waits: tuple[tuple[str, float], ...]
    unanswered: tuple[tuple[str, float], ...]

    def attempts(self, step: str) -> int:
        """How often a step was called."""
        return len(self.payloads(step))

    def waits_of(self, step: str) -> list[float]:
        """The seconds before each retry of a step."""
        return [seconds for name, seconds in self.waits if name == step]

    def payloads(self, step: str) -> list[dict[str, Any]]:
        """What a step was called with at each attempt."""
        return [payload for name, payload in self.calls if name == step]

    def payload(self, step: str) -> dict[str, Any]:
        """What a step was called with, the same at every attempt."""
        payloads = self.payloads(step)
        assert payloads, f"{step} was never called; the path was {self.path}"
        assert all(payload == payloads[0] for payload in payloads), "a retry changed its payload"
        return payloads[0]


class Interpreter:
    """The state machine in moto's Step Functions; must live inside `mock_aws`."""

    def __init__(self, coverage: Coverage) -> None:
        """`coverage` is told what every execution enters and takes."""
        self._coverage = coverage
        self._executions = 0
        self._client = boto3.client(
            "stepfunctions",
            region_name=REGION,
            # AWS's own, where moto stands in for it, whatever AWS_ENDPOINT_URL says.
            endpoint_url="https://states.us-east-1.amazonaws.com",
        )
        definition = json.dumps(load_definition())
        for function in placeholders():
            definition = definition.replace(f"${{{function}}}", FUNCTION_ARN + function)
        self._state_machine = self._client.create_state_machine(
            name="saga", definition=definition, roleArn=ROLE_ARN
        )["stateMachineArn"]

    def execute(
        self,
        order: Mapping[str, Any],
        faults: Mapping[str, Sequence[Fault]],
        answers: Mapping[str, Any],
        *,
        is_woken: bool,
    ) -> Outcome:
        """Runs one execution to its end; `is_woken` tells whether a task token is ever sent."""
        functions = FakeLambda(faults, answers, self._wake if is_woken else lambda _token: None)
        waits: list[tuple[str, float]] = []
        unanswered: list[tuple[str, float]] = []

        def note_wait(seconds: float) -> None:
            waits.append((functions.calls[-1][0], seconds))

        def look_for_answer(
            _state: object, timeout_seconds: int, callback_endpoint: CallbackEndpoint
        ) -> CallbackOutcome | None:
            answer = callback_endpoint.get_outcome()
            if answer is None:
                unanswered.append((functions.calls[-1][0], timeout_seconds))
            return answer

        with ExitStack() as seams:
            for module, name, stand_in in (
                # The calls to Lambda.
                (lambda_eval_utils, "boto_client_for", lambda **_: functions),
                # The pauses before retries: noted, not waited for, and without their randomness.
                (retrier_decl, "time", SimpleNamespace(sleep=note_wait)),
                (jitter_strategy_decl, "random", SimpleNamespace(uniform=lambda _low, high: high)),
                # The wait for a task token: whoever sends it has done so by then, or never does.
                (
                    state_task_service_callback.StateTaskServiceCallback,
                    "_wait_for_task_token_timeout",
                    look_for_answer,
                ),
                # An execution's thread: without one of its own, starting it runs it to its end.
                (execution, "ExecutionWorker", execution_worker.SyncExecutionWorker),
                # Parsing, most of the interpreter's time: each path and definition once.
                (json_path, "parse", parse_path),
                (result_path, "parse", parse_result_path),
                (AmazonStateLanguageParser, "parse", parse_definition),
            ):
                seams.enter_context(patch.object(module, name, stand_in))
            ended = self._run_to_end(order)
        events = _history(ended["executionArn"])
        path = entered_states(events)
        self._coverage.add(path, taken_transitions(events))
        return Outcome(
            status=ended["status"],
            error=ended.get("error"),
            path=tuple(path),
            calls=tuple(functions.calls),
            waits=tuple(waits),
            unanswered=tuple(unanswered),
        )

    def _wake(self, task_token: str) -> None:
        self._client.send_task_success(taskToken=task_token, output="{}")

    def _run_to_end(self, order: Mapping[str, Any]) -> Any:
        self._executions += 1
        arn = self._client.start_execution(
            stateMachineArn=self._state_machine,
            name=f"execution-{self._executions}",
            input=json.dumps(order),
        )["executionArn"]
        return self._client.describe_execution(executionArn=arn)


@dataclass(frozen=True)
class Scenario:
    """An execution in the making; each method returns a new one."""

    interpreter: Interpreter
    order: Mapping[str, Any] = field(default_factory=an_order)
    faults: Mapping[str, Sequence[Fault]] = field(default_factory=dict)
    answers: Mapping[str, Any] = field(default_factory=lambda: ANSWERS)
    is_woken: bool = True

    def given(self, order: Mapping[str, Any]) -> "Scenario":
        """Starts the saga with this input."""
        return replace(self, order=order)

    def when(self, step: str, *, fails_with: str, times: int = ALWAYS) -> "Scenario":
        """Makes a step fail, always or the first few times; said again, the next few times.

        Args:
            step: the state's name.
            fails_with: an exception's class name, or a name of AWS's such as `States.Timeout`.
            times: how many calls fail before one succeeds.
        """
        faults = (*self.faults.get(step, ()), Fault(fails_with, times))
        return replace(self, faults={**self.faults, step: faults})

    def when_order_is(self, status: str) -> "Scenario":
        """Makes the order's row hold this status when the saga wants to turn back."""
        row = an_order_row(status, 7)
        return replace(self, answers={**self.answers, "BeginCancellation": row})

    def when_customer_pays(self, *, call_is_lost: bool = False) -> "Scenario":
        """Makes the order's row hold a payment; the call that wakes the saga may get lost."""
        return replace(self, is_woken=not call_is_lost)

    def when_customer_cancels(self) -> "Scenario":
        """Makes the order's row hold a cancellation, and wakes the saga."""
        return replace(
            self.when("ClosePaymentWindow", fails_with="CancelledByCustomer"), is_woken=True
        )

    def when_customer_stays_away(self) -> "Scenario":
        """Lets the time to pay run out."""
        return replace(self.when("ClosePaymentWindow", fails_with="PaymentExpired"), is_woken=False)

    def then(self) -> Outcome:
        """Runs the execution to its end."""
        return self.interpreter.execute(
            self.order, self.faults, self.answers, is_woken=self.is_woken
        )

    def then_path(self, *path: str) -> Outcome:
        """Runs the execution to its end, which must have entered exactly these states."""
        outcome = self.then()
        assert outcome.path == path
        return outcome


def _history(arn: str) -> Sequence[Any]:
    """Returns an execution's events as moto holds them: writing them as JSON takes it longer than
    the execution itself."""
    backend = stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID][REGION]
    return backend.get_execution_history(arn)["events"]


def _respond(answer: Any, **more: Any) -> dict[str, Any]:
    return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())} | more


def _fail(error: str) -> dict[str, Any]:
    """Fails as the real thing: the service refuses, nothing answers in time, or code raises."""
    if error == "States.Timeout":
        raise TimeoutError
    service, _, code = error.partition(".")
    if service == "Lambda":
        raise ClientError(
            {
                "Error": {"Code": code, "Message": "refused by a script"},
                "ResponseMetadata": {
                    "HTTPStatusCode": 500,
                    "RequestId": "request-1",
                    "HostId": "",
                    "HTTPHeaders": {},
                    "RetryAttempts": 0,
                },
            },
            "Invoke",
        )
    failure = {"errorType": error, "errorMessage": f"scripted {error}", "stackTrace": []}
    return _respond(failure, FunctionError="Unhandled")
