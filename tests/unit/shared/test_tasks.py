"""A service's steps as one Lambda handler: find, parse, log, count, and let errors propagate."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import pytest

from shared import chaos
from shared.chaos import Chaos, Failures
from shared.errors import (
    OutOfStock,
    PaymentOutcomeUnknown,
    StockContention,
    StorageContention,
    UnknownStep,
    ValidationFailed,
)
from shared.events import Origin
from shared.fields import Fields
from shared.logging import logger
from shared.tasks import SagaSteps, Step, Task

TRACE_ID = "1-67c2d3e4-0123456789abcdef01234567"
TASK = {
    "order_id": "ord_1",
    "correlation_id": "cor_1",
    "trace_id": TRACE_ID,
    "execution": "ord_1",
    "sequence": 3,
}
PAYLOAD = {"step": "PackParcel", "task": TASK, "units": 2}
type Logged = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True)
class PackParcel:
    task: Task
    units: int

    @classmethod
    def read(cls, task: Task, fields: Fields) -> Self:
        return cls(task, fields.integer("units"))


def pack(command: PackParcel) -> dict[str, Any]:
    task = command.task
    return {"packed": command.units, "origin": task.origin, "sequence": task.sequence}


def payload_of(**changes: str | int | None) -> dict[str, Any]:
    return PAYLOAD | {"task": {**TASK, **changes}}


def test_a_query_is_answered_by_the_same_function(lambda_context: Any, logged: Logged) -> None:
    # Given
    steps = SagaSteps()
    steps.query("owed")(lambda fields: {"of": fields.texts("order_ids")})

    # Then
    query = {"query": "owed", "order_ids": ["ord_1"]}
    assert steps.handler(query, lambda_context) == {"of": ["ord_1"]}
    assert logged()[-1]["query"] == "owed"


@pytest.mark.parametrize("query", ["unknown", "", None, 7])
def test_a_query_that_nobody_answers_is_refused(query: Any, lambda_context: Any) -> None:
    with pytest.raises(ValidationFailed, match="query"):
        SagaSteps().handler({"query": query}, lambda_context)


def handler_of(step: Step[PackParcel]) -> Callable[[Any, Any], dict[str, Any]]:
    """The handler of a service with this step alone."""
    steps = SagaSteps()
    steps.saga_task("PackParcel", PackParcel)(step)
    return steps.handler


def emitted_metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    metrics: dict[str, Any]
    (metrics,) = (line for line in lines if "_aws" in line)
    return metrics


def test_a_step_gets_a_typed_command_and_its_answer_is_the_handlers(lambda_context: Any) -> None:
    # When
    answer = handler_of(pack)(PAYLOAD, lambda_context)

    # Then
    assert answer["packed"] == 2
    assert answer["origin"] == Origin("cor_1", causation_id="request-1", trace_id=TRACE_ID)
    assert answer["sequence"] == 3


def test_a_task_of_a_saga_that_started_before_there_were_sequences_has_none(
    lambda_context: Any,
) -> None:
    assert handler_of(pack)(payload_of(sequence=None), lambda_context)["sequence"] is None


def test_a_step_logs_its_start_and_its_outcome_with_the_orders_ids(
    lambda_context: Any, logged: Logged
) -> None:
    # When
    handler_of(pack)(PAYLOAD, lambda_context)

    # Then
    lines = logged()
    assert [line["message"] for line in lines] == ["step started", "step succeeded"]
    for line in lines:
        assert line["step"] == "PackParcel"
        assert line["order_id"] == "ord_1"
        assert line["execution"] == "ord_1"
        assert line["correlation_id"] == "cor_1"
        assert line["trace_id"] == TRACE_ID
        assert line["request_id"] == "request-1"


def test_what_one_invocation_binds_does_not_stay_for_the_next(
    lambda_context: Any, logged: Logged
) -> None:
    # Given
    def weigh(command: PackParcel) -> dict[str, Any]:
        logger.append_keys(grams=command.units)
        return {}

    handler_of(weigh)(PAYLOAD, lambda_context)

    # When
    handler_of(pack)(payload_of(order_id="ord_2"), lambda_context)

    # Then
    assert [(line["order_id"], line.get("grams")) for line in logged()] == [
        ("ord_1", None),
        ("ord_1", 2),
        ("ord_2", None),
        ("ord_2", None),
    ]


@pytest.mark.parametrize(
    ("error", "message", "metric"),
    [
        (OutOfStock("only 1 left"), "step refused", "StepRefused"),
        (StockContention("another order was faster"), "step deferred", "StepDeferred"),
        (PaymentOutcomeUnknown("no answer"), "step failed", "StepFailed"),
        (ZeroDivisionError("a bug"), "step failed", "StepFailed"),
    ],
)
def test_an_error_is_logged_and_counted_and_propagates(
    error: Exception,
    message: str,
    metric: str,
    lambda_context: Any,
    logged: Logged,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Given
    def fail(command: PackParcel) -> dict[str, Any]:
        raise error

    # When
    with pytest.raises(type(error)) as caught:
        handler_of(fail)(PAYLOAD, lambda_context)

    # Then
    assert caught.value is error
    assert logged()[-1]["message"] == message
    metrics = emitted_metrics(capsys)
    assert metrics[metric] == [1.0]
    assert metrics["step"] == "PackParcel"


def test_a_success_is_counted(lambda_context: Any, capsys: pytest.CaptureFixture[str]) -> None:
    # When
    handler_of(pack)(PAYLOAD, lambda_context)

    # Then
    metrics = emitted_metrics(capsys)
    assert metrics["StepSucceeded"] == [1.0]
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "sagashop"


def test_an_order_without_a_trace_id_is_traced_by_its_invocations(
    lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-67c2d3e4-ffffffffffffffffffffffff;Sampled=0")

    # When
    answer = handler_of(pack)(payload_of(trace_id=None), lambda_context)

    # Then
    assert answer["origin"].trace_id == "1-67c2d3e4-ffffffffffffffffffffffff"


@pytest.mark.parametrize(
    "payload",
    [
        {},
        None,
        {**PAYLOAD, "units": "2"},
        {**PAYLOAD, "task": None},
        payload_of(sequence=0),
        payload_of(sequence="3"),
    ],
)
def test_a_payload_that_does_not_fit_never_reaches_the_step_and_is_a_failure(
    payload: Any, lambda_context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given
    def never(command: PackParcel) -> dict[str, Any]:
        raise AssertionError("the step ran")

    # When
    with pytest.raises(ValidationFailed):
        handler_of(never)(payload, lambda_context)

    # Then
    assert emitted_metrics(capsys)["StepFailed"] == [1.0]


def test_each_step_answers_to_its_own_name(lambda_context: Any) -> None:
    # Given
    steps = SagaSteps()

    @steps.saga_task("PackParcel", PackParcel)
    def pack_parcel(command: PackParcel) -> dict[str, Any]:
        return {"packed": command.units}

    @steps.saga_task("SendParcel")
    def send_parcel(task: Task) -> dict[str, Any]:
        return {"sent": task.order_id}

    # When
    answers = [
        steps.handler({**PAYLOAD, "step": step}, lambda_context)
        for step in ("PackParcel", "SendParcel")
    ]

    # Then
    assert answers == [{"packed": 2}, {"sent": "ord_1"}]
    assert send_parcel(Task("ord_2", "sweeper", Origin("cor_1"))) == {"sent": "ord_2"}


def test_a_step_that_the_service_does_not_have_is_a_failure(
    lambda_context: Any, logged: Logged, capsys: pytest.CaptureFixture[str]
) -> None:
    # When
    with pytest.raises(UnknownStep, match="LoseParcel"):
        handler_of(pack)({**PAYLOAD, "step": "LoseParcel"}, lambda_context)

    # Then
    (line,) = logged()
    assert (line["message"], line["step"]) == ("step failed", "LoseParcel")
    metrics = emitted_metrics(capsys)
    assert (metrics["StepFailed"], metrics["step"]) == ([1.0], "unknown")


def test_a_step_that_is_made_to_fail_does_nothing_and_is_deferred(
    lambda_context: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given
    monkeypatch.setattr(chaos, "read", lambda: Chaos(steps={"PackParcel": Failures(error_rate=1)}))
    packed: list[PackParcel] = []

    def note(command: PackParcel) -> dict[str, Any]:
        packed.append(command)
        return {}

    # When
    with pytest.raises(StorageContention, match="failure injection"):
        handler_of(note)(PAYLOAD, lambda_context)

    # Then
    assert packed == []
    assert emitted_metrics(capsys)["StepDeferred"] == [1.0]
