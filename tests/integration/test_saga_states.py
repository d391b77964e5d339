"""Each state of the saga by itself on the store's own engine: what it calls, and where it leads."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from support.saga_coverage import REPORT, Level
from support.saga_definition import tasks
from support.saga_run import (
    ANSWERS,
    LATE_TOKEN,
    PAYMENT,
    REFUND,
    RESERVATION,
    SHIPMENT,
    TASK,
    an_order,
    an_order_that_turned_back,
)
from support.saga_state import ENTERED_AT, TASK_TOKEN, StateTester
from support.selection import quickly

FAILURE = {"Error": "KeyError", "Cause": "why the saga had turned back"}
STUCK = {"Error": "TypeError", "Cause": "why its compensation failed"}
# What the states before have assigned: more than any one path collects, so that every state finds
# what it needs.
SO_FAR: dict[str, Any] = {
    "task": TASK,
    "payment": an_order()["payment"],
    "reservation": RESERVATION,
    "shipment": SHIPMENT,
    "failure": FAILURE,
    "undo_from": "ReleaseStock",
    "status": "CANCELLING",
    "refund": REFUND,
    "compensation": "RefundPayment",
    "compensation_failure": STUCK,
}
OWN_PAYLOAD: dict[str, dict[str, Any]] = {
    "ReserveStock": {"items": an_order()["items"]},
    "RecordReservation": {"reservation": RESERVATION},
    "AwaitPayment": {
        "task_token": TASK_TOKEN,
        "asked_at": f"{ENTERED_AT}/00",
        "wait_seconds": an_order()["payment_wait_seconds"],
    },
    "ClosePaymentWindow": {},
    "ChargePayment": {"amount_cents": 259_800, "currency": "USD", "token": "tok_visa"},
    "RecordPayment": {"payment": SO_FAR["payment"]},
    "CreateShipment": {
        "shipping_address": an_order()["shipping_address"],
        "items": RESERVATION["lines"],
    },
    "CommitStock": {},
    "CompleteOrder": {"shipment": SHIPMENT},
    "BeginCancellation": {"failure": FAILURE},
    "CancelShipment": {},
    "RefundPayment": {},
    "ReleaseStock": {},
    "CancelOrder": {"refund": REFUND},
    "FlagForAttention": {"compensation": "RefundPayment", "compensation_failure": STUCK},
}
# What a step assigns from its answer; the other steps assign nothing.
LEFT_BEHIND: dict[str, dict[str, Any]] = {
    "ReserveStock": {"reservation": RESERVATION},
    "RecordReservation": {"task": TASK | {"sequence": 2}},
    "ClosePaymentWindow": {"payment": {"token": LATE_TOKEN}, "task": TASK | {"sequence": 4}},
    "ChargePayment": {"payment": PAYMENT},
    "RecordPayment": {"task": TASK | {"sequence": 5}},
    "BeginCancellation": {"status": "CANCELLING", "task": TASK | {"sequence": 7}},
    "CreateShipment": {"shipment": SHIPMENT},
    "RefundPayment": {"refund": REFUND},
}
CAUGHT = [
    (step, index, error if error != "States.ALL" else "KeyError")
    for step, state in tasks().items()
    for index, catcher in enumerate(state["Catch"])
    for error in catcher["ErrorEquals"]
]


@pytest.fixture(scope="module", autouse=True)
def _nothing_gets_lost() -> None:
    """These tests place no orders, so there are no books to look at."""


@pytest.fixture(scope="module")
def tester(stack: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[StateTester]:
    """The store's engine, asked about single states."""
    client = boto3.client(
        "stepfunctions",
        endpoint_url=stack["endpoint_url"],
        region_name=stack["region"],
        aws_access_key_id="test",
        aws_secret_access_key="test",
        # The service model puts `sync-` before the host, which has no other name here.
        config=Config(inject_host_prefix=False, proxies={}),
    )
    yield StateTester(client, request.config.stash[REPORT].levels[Level.STATE])
    client.close()


@pytest.mark.parametrize("step", tasks())
def test_a_step_calls_its_function_with_its_share_of_the_order_and_goes_on(
    tester: StateTester, step: str
) -> None:
    verdict = tester.run(step, an_order(), SO_FAR, answers=ANSWERS.get(step))

    assert (verdict.status, verdict.next_state) == ("SUCCEEDED", tasks()[step]["Next"])
    common = {"step": step, "task": an_order()["task"]}
    assert verdict.called_with == common | OWN_PAYLOAD[step]
    assert verdict.variables == SO_FAR | LEFT_BEHIND.get(step, {})


@pytest.mark.parametrize(("step", "index", "error"), CAUGHT)
def test_a_failure_that_stays_goes_to_the_state_that_undoes_it(
    tester: StateTester, step: str, index: int, error: str
) -> None:
    catcher = tasks()[step]["Catch"][index]

    verdict = tester.run(step, an_order(), SO_FAR, fails_with=error)

    assert (verdict.status, verdict.next_state) == ("CAUGHT_ERROR", catcher["Next"])
    noted = {"Error": error, "Cause": f"scripted {error}"}
    assert verdict.variables == SO_FAR | {
        name: noted if value == "{% $states.errorOutput %}" else value
        for name, value in catcher.get("Assign", {}).items()
    }


@pytest.mark.parametrize("which", [0, 1], ids=["quick", "patient"])
@pytest.mark.parametrize("step", quickly({"ReserveStock", "AwaitPayment", "CancelOrder"}, tasks()))
def test_what_may_pass_is_tried_again_until_the_attempts_are_used_up(
    tester: StateTester, step: str, which: int
) -> None:
    retrier = tasks()[step]["Retry"][which]
    attempts, error = retrier["MaxAttempts"], retrier["ErrorEquals"][-1]

    first, last, beyond = (
        tester.run(step, an_order(), SO_FAR, fails_with=error, retries_before=count)
        for count in (0, attempts - 1, attempts)
    )

    assert (first.status, last.status) == ("RETRIABLE", "RETRIABLE")
    assert (beyond.status, beyond.next_state) == (
        "CAUGHT_ERROR",
        tasks()[step]["Catch"][-1]["Next"],
    )


def test_an_execution_begins_with_the_first_step(tester: StateTester) -> None:
    verdict = tester.run("ResumeOrBegin", an_order())

    assert verdict.next_state == "ReserveStock"
    assert verdict.variables == {"task": TASK, "payment": an_order()["payment"], "refund": None}


def test_an_execution_of_an_order_that_turned_back_begins_with_the_turn(
    tester: StateTester,
) -> None:
    order = an_order_that_turned_back()

    verdict = tester.run("ResumeOrBegin", order)

    assert verdict.next_state == "BeginCancellation"
    assert verdict.variables == {
        "task": TASK,
        "failure": order["failure"],
        "undo_from": "CancelShipment",
        "refund": None,
    }


@pytest.mark.parametrize(
    ("status", "undo_from", "next_state"),
    [
        ("CANCELLING", "CancelShipment", "CancelShipment"),
        ("CANCELLING", "RefundPayment", "RefundPayment"),
        ("CANCELLING", "ReleaseStock", "ReleaseStock"),
        ("CANCELLING", "CancelOrder", "CancelOrder"),
        ("NEEDS_ATTENTION", "CancelShipment", "CancelShipment"),
        ("COMPLETED", "CancelShipment", "OrderCompleted"),
        ("CANCELLED", "CancelShipment", "OrderCancelled"),
        ("a status of tomorrow", "a state of tomorrow", "CancelShipment"),
    ],
)
def test_the_row_and_the_failure_tell_what_is_undone_first(
    tester: StateTester, status: str, undo_from: str, next_state: str
) -> None:
    so_far = SO_FAR | {"status": status, "undo_from": undo_from}

    assert tester.run("ChooseFirstCompensation", {}, so_far).next_state == next_state


@pytest.mark.parametrize(
    ("payment", "next_state"),
    [
        ({"token": "tok_visa"}, "ChargePayment"),
        ({"token": None}, "AwaitPayment"),
        (None, "AwaitPayment"),
        ({}, "AwaitPayment"),
    ],
    ids=["token", "no token", "no payment", "empty payment"],
)
def test_an_order_without_a_payment_waits_for_it(
    tester: StateTester, payment: dict[str, Any] | None, next_state: str
) -> None:
    assert tester.run("PaymentGiven", {}, {"payment": payment}).next_state == next_state


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("OrderCompleted", "SUCCEEDED"),
        ("OrderCancelled", "SUCCEEDED"),
        ("Superseded", "SUCCEEDED"),
        ("NeedsAttention", "FAILED"),
        ("SagaAbandoned", "FAILED"),
    ],
)
def test_the_end_tells_whether_the_saga_did_its_job(
    tester: StateTester, end: str, status: str
) -> None:
    verdict = tester.run(end, an_order(), SO_FAR)

    assert (verdict.status, verdict.next_state) == (status, None)
    assert verdict.error == (end if status == "FAILED" else None)


def test_a_state_decides_the_same_among_all_the_others(tester: StateTester) -> None:
    by_itself, among_others = (
        tester.run(
            "CreateShipment",
            an_order(),
            SO_FAR,
            fails_with="ShipmentRejected",
            whole_definition=whole,
        )
        for whole in (False, True)
    )

    assert among_others == by_itself
