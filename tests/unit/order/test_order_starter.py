"""The starter makes up for a request that died between storing an order and starting its saga."""

import json
from dataclasses import replace
from typing import Any

import pytest

from builders import ORIGIN, PLACED_AT, TRACE_ID, an_order
from order import domain, starter
from order.domain import Change, Status
from order.execution import SagaNotStarted, Sagas
from order.saga_input import execution_input
from shared.errors import NotFound
from support.stepfunctions import FakeStepFunctions
from unit.order.fakes import FakeOrders


def order_placed() -> dict[str, Any]:
    """OrderPlaced as EventBridge hands it over."""
    event = domain.place(an_order().build(), ORIGIN).event
    assert event is not None
    return {"source": event.source, "detail-type": event.type, "detail": event.envelope()}


def test_a_placed_order_is_started_with_the_token_that_its_event_does_not_carry(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)
    event = order_placed()
    assert "tok_visa" not in json.dumps(event)

    # When
    starter.start_saga(event, lambda_context)

    # Then
    assert stepfunctions.executions == {
        an_order().order_id: execution_input(an_order().build(), 900, PLACED_AT)
    }


def test_an_order_whose_saga_runs_already_is_left_alone(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)
    starter.start_saga(order_placed(), lambda_context)

    # When
    starter.start_saga(order_placed(), lambda_context)

    # Then
    assert len(stepfunctions.executions) == 1


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED, Status.NEEDS_ATTENTION])
def test_the_saga_of_an_ended_order_is_not_run_again_even_if_its_name_is_free(
    status: Status,
    orders: FakeOrders,
    stepfunctions: FakeStepFunctions,
    lambda_context: Any,
) -> None:
    # Given: an engine that forgot its executions when it was restarted hands over the event again.
    ended = replace(an_order().build(), status=status)
    orders.add(Change(ended, None), None)

    # When
    starter.start_saga(order_placed(), lambda_context)

    # Then
    assert stepfunctions.executions == {}


def test_an_order_that_does_not_exist_fails_so_that_its_event_is_parked(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any
) -> None:
    with pytest.raises(NotFound):
        starter.start_saga(order_placed(), lambda_context)
    assert stepfunctions.executions == {}


def test_a_refused_start_fails_so_that_it_is_tried_again(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)
    stepfunctions.refuse_with = "ThrottlingException"

    # Then
    with pytest.raises(SagaNotStarted):
        starter.start_saga(order_placed(), lambda_context)


def test_a_finished_execution_of_the_same_name_counts_as_started(
    stepfunctions: FakeStepFunctions,
) -> None:
    # Given
    stepfunctions.executions[an_order().order_id] = "an earlier input"

    # When
    Sagas("arn", 900).start(an_order().build())

    # Then
    assert stepfunctions.executions == {an_order().order_id: "an earlier input"}


def test_an_order_that_was_redriven_is_started_under_its_current_name(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any
) -> None:
    # Given
    orders.add(Change(replace(an_order().build(), redrives=2), None), None)

    # When
    starter.start_saga(order_placed(), lambda_context)

    # Then
    assert list(stepfunctions.executions) == [f"{an_order().order_id}-r2"]


def test_the_start_is_logged_under_the_ids_of_the_request_that_placed_the_order(
    orders: FakeOrders, stepfunctions: FakeStepFunctions, lambda_context: Any, logged: Any
) -> None:
    # Given
    orders.add(domain.place(an_order().build(), ORIGIN), None)

    # When
    starter.start_saga(order_placed(), lambda_context)

    # Then
    line = logged()[-1]
    assert (line["trace_id"], line["correlation_id"]) == (TRACE_ID, ORIGIN.correlation_id)
    assert line["execution"] == an_order().order_id
