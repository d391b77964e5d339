"""Everything may come twice: requests, executions, and the saga's own calls."""

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagashop_ops.audit import Books
from sagashop_ops.aws import Deployment, call_function
from sagashop_ops.client import Json, Line, StoreClient, order_body
from sagashop_ops.mail import sent_mail
from sagashop_ops.redrive import OperatorApi
from sagashop_ops.replay import CONSUMERS, Consumer, StoredEvent, events_of
from sagashop_ops.stack import Stack
from support.accounts import open_account
from support.event_schemas import order_event_types
from support.outage import failing_steps
from support.saga import LONGEST_SAGA_SECONDS, Saga, TaskFailed
from support.saga_definition import function_of, tasks
from support.selection import quickly
from support.template import resources
from support.waiting import eventually


@pytest.fixture
def key() -> str:
    """A fresh idempotency key."""
    return str(uuid.uuid4())


@pytest.fixture(scope="module")
def everything_about(
    stack: dict[str, Any], aws: Callable[[str], Any]
) -> Callable[[str], dict[str, list[Json]]]:
    """Reads every row that an order has, in any service: its events and its mail too."""

    def rows(order_id: str) -> dict[str, list[Json]]:
        return {
            table: [
                item
                for page in aws("dynamodb")
                .get_paginator("scan")
                .paginate(
                    TableName=name,
                    FilterExpression="contains(pk, :order_id) OR order_id = :order_id",
                    ExpressionAttributeValues={":order_id": {"S": order_id}},
                )
                for item in page["Items"]
                if not has_its_own_time(item)
            ]
            for table, name in stack["tables"].items()
            if table != "operations"
        }

    return rows


def has_its_own_time(item: Json) -> bool:
    """Whether a row is written by who listens, and not by a step: it comes when it comes."""
    mail = ({"S": "NOTIFICATION"}, {"S": "NEWEST"})
    return item.get("entity") == {"S": "logged_event"} or item["sk"] in mail


@dataclass(frozen=True)
class Call:
    """One call of a task's function, as an execution's history has it.

    `answer` is None where it was an error, or not what the execution waited for.
    """

    task: str
    order_id: str
    payload: Json
    answer: Any


@dataclass(frozen=True)
class Told:
    """Orders that came by every task, and told of every event; all of them have ended."""

    orders: list[Json]
    calls: list[Call]
    events: list[StoredEvent]

    def is_completed(self, order_id: str) -> bool:
        return {"order_id": order_id, "status": "COMPLETED"}.items() <= next(
            order for order in self.orders if order["order_id"] == order_id
        ).items()


@pytest.fixture(scope="module")
def told(
    stack: dict[str, Any],
    store: StoreClient,
    saga: Saga,
    aws: Callable[[str], Any],
    new_product: Callable[..., str],
) -> Told:
    """Orders that went every way that there is; see `Told`."""
    deployment = Deployment.of(Stack(**stack))
    sku = new_product(20)
    with failing_steps(stack, aws, "CommitStock", "RefundPayment"):
        parked = store.place_order([Line(sku, 1)], "tok_visa")
        assert saga.wait_until_ended(parked)["status"] == "NEEDS_ATTENTION"
    redriven = OperatorApi.of(deployment).redrive(parked, "the refund works again")
    account = open_account(stack["api_url"])
    placed = store.post("/orders", order_body([Line(sku, 1)], "tok_visa"), account.bearer)
    anonymized: str = placed.json()["order_id"]
    assert saga.wait_until_ended(anonymized)["status"] == "COMPLETED"
    account.delete().raise_for_status()
    paid_later, cancelled = [store.place_order([Line(sku, 1)], None) for _ in range(2)]
    ended = [
        parked,
        anonymized,
        paid_later,
        cancelled,
        store.place_order([Line(sku, 1)], "tok_declined"),
        store.place_order([Line(sku, 1)], "tok_visa", country="XX"),
        store.place_order([Line(sku, 100)], "tok_visa"),
    ]
    for order_id in (paid_later, cancelled):
        store.wait_for(order_id, {"AWAITING_PAYMENT"})
    assert store.pay(paid_later, "tok_visa").status_code == 202
    assert store.cancel(cancelled).status_code == 202
    eventually(lambda: saga.execution(redriven.execution)["status"], until=lambda s: s != "RUNNING")
    orders = saga.wait_until_all_ended(*ended)
    eventually(
        lambda: [event for order_id in ended for event in events_of(deployment, order_id)],
        until=lambda events: {event.detail_type for event in events} >= set(order_event_types()),
        timeout=LONGEST_SAGA_SECONDS,
    )
    wait_until_all_is_heard(stack, aws)
    return Told(
        orders,
        [call for name in (*ended, redriven.execution) for call in calls_of(stack, aws, name)],
        [event for order_id in ended for event in events_of(deployment, order_id)],
    )


def wait_until_all_is_heard(stack: dict[str, Any], aws: Callable[[str], Any]) -> None:
    """Waits until the consumers' queues are empty, and nothing is being handled."""
    queues = Deployment.of(Stack(**stack)).resources
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")

    def waiting() -> int:
        return sum(
            int(number)
            for consumer in CONSUMERS.values()
            if consumer.queue is not None
            for number in aws("sqs")
            .get_queue_attributes(QueueUrl=queues[consumer.queue], AttributeNames=names)[
                "Attributes"
            ]
            .values()
        )

    eventually(waiting, until=lambda messages: messages == 0, timeout=LONGEST_SAGA_SECONDS)


def calls_of(stack: dict[str, Any], aws: Callable[[str], Any], execution: str) -> list[Call]:
    """Returns the calls that an execution made, with the answers that it got."""
    machine = stack["state_machine_arn"].replace(":stateMachine:", ":execution:")
    pages = (
        aws("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=f"{machine}:{execution}")
    )
    calls: list[Call] = []
    task = ""
    for page in pages:
        for event in page["events"]:
            if "stateEnteredEventDetails" in event:
                task = event["stateEnteredEventDetails"]["name"]
            if "taskScheduledEventDetails" in event:
                sent = json.loads(event["taskScheduledEventDetails"]["parameters"])["Payload"]
                calls.append(Call(task, sent["task"]["order_id"], sent, None))
            if "taskSucceededEventDetails" in event:
                output = json.loads(event["taskSucceededEventDetails"]["output"])
                calls[-1] = replace(calls[-1], answer=output.get("Payload"))
    return calls


def run_again(saga: Saga, call: Call) -> Any:
    """Makes a call once more; returns the answer, or the name of the error."""
    try:
        return saga.run_task(call.task, call.order_id, **call.payload)
    except TaskFailed as refusal:
        return refusal.error_type


def without_sequence(answer: Any) -> Any:
    """Returns a step's answer without the order's version, which grows with every change."""
    if not isinstance(answer, dict):
        return answer
    return {name: value for name, value in answer.items() if name != "sequence"}


def executions_of(order_id: str, saga: Saga) -> list[str]:
    """Returns the names of an order's executions, redriven ones too."""
    return sorted(name for name in saga.executions() if name.startswith(order_id))


def consumers_of(event: StoredEvent) -> list[Consumer]:
    """Returns the functions that the template's rules send an event to."""
    patterns = resources("AWS::Events::Rule")
    return [
        consumer
        for consumer in CONSUMERS.values()
        if event.source in patterns[consumer.rule]["EventPattern"]["source"]
        and event.detail_type
        in patterns[consumer.rule]["EventPattern"].get("detail-type", [event.detail_type])
    ]


def queued(envelope: Json) -> Json:
    """Returns an event as a function gets it from a queue."""
    record = {"messageId": envelope["id"], "eventSource": "aws:sqs", "body": json.dumps(envelope)}
    return {"Records": [record]}


def test_the_same_request_under_one_key_is_one_order(
    store: StoreClient, saga: Saga, new_product: Callable[..., str], key: str
) -> None:
    # Given an order that was placed, and has ended since
    body = order_body([Line(new_product(), 1)], "tok_visa")
    first = store.post_order(body, key)
    saga.wait_until_ended(first.json()["order_id"])

    # When its request is repeated
    second = store.post_order(body, key)

    # Then the answer is the first one, to the letter
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == first.json()


def test_another_order_under_the_same_key_is_refused(
    store: StoreClient, saga: Saga, new_product: Callable[..., str], key: str
) -> None:
    sku = new_product()
    first = store.post_order(order_body([Line(sku, 1)], "tok_visa"), key)

    second = store.post_order(order_body([Line(sku, 2)], "tok_visa"), key)

    assert second.status_code == 409
    assert second.headers["Content-Type"] == "application/problem+json"
    assert second.json()["code"] == "IDEMPOTENCY_KEY_REUSED"
    saga.wait_until_ended(first.json()["order_id"])


def test_concurrent_requests_under_one_key_are_one_order(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    stock_of: Callable[[str], dict[str, int]],
    key: str,
) -> None:
    # Given a customer who clicks in haste
    sku = new_product(10)
    body = order_body([Line(sku, 1)], "tok_visa")

    # When the requests arrive together
    with ThreadPoolExecutor(4) as clicks:
        responses = list(clicks.map(lambda _: store.post_order(body, key), range(4)))

    # Then all get the same order, and one unit is sold
    assert {response.status_code for response in responses} == {202}
    (order_id,) = {response.json()["order_id"] for response in responses}
    assert saga.wait_until_ended(order_id)["status"] == "COMPLETED"
    assert stock_of(sku) == {"available": 9, "reserved": 0, "sold": 1}


def test_requests_without_a_key_are_orders_of_their_own(
    store: StoreClient, saga: Saga, new_product: Callable[..., str]
) -> None:
    body = order_body([Line(new_product(), 1)], "tok_visa")

    orders = [store.post_order(body).json()["order_id"] for _ in range(2)]

    assert len(set(orders)) == 2
    saga.wait_until_all_ended(*orders)


def test_a_saga_that_is_started_again_runs_once(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    everything_about: Callable[[str], dict[str, list[Json]]],
) -> None:
    # Given an order whose saga has ended
    sku = new_product()
    order_id = store.place_order([Line(sku, 1)], "tok_visa")
    saga.wait_until_ended(order_id)
    before = everything_about(order_id)

    # When it is started again
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        saga.start(order_id, {"order_id": order_id})

    # Then there is one execution, and nothing happened
    assert saga.executions().count(order_id) == 1
    assert everything_about(order_id) == before


@pytest.mark.parametrize("task", quickly({"ReserveStock", "ChargePayment"}, tasks()))
def test_a_task_that_is_delivered_again_changes_nothing(
    task: str,
    told: Told,
    saga: Saga,
    books: Callable[[], Books],
    everything_about: Callable[[str], dict[str, list[Json]]],
) -> None:
    # Given every call of the task, as the state machine made it for orders that have ended
    calls = [call for call in told.calls if call.task == task]
    assert calls, "no order came by"

    for call in calls:
        before, products = everything_about(call.order_id), books().products

        # When the call is made once more
        again = run_again(saga, call)

        # Then it left no trace, and where nothing was undone since, it got the first answer
        if call.answer is not None and told.is_completed(call.order_id):
            assert without_sequence(again) == without_sequence(call.answer)
        assert everything_about(call.order_id) == before
        assert books().products == products


def test_a_call_of_an_execution_that_was_superseded_changes_nothing(
    told: Told, saga: Saga, everything_about: Callable[[str], dict[str, list[Json]]]
) -> None:
    # Given an order that was redriven, and what its first execution had told the order
    (redriven,) = {
        call.order_id for call in told.calls if call.payload["task"]["execution"] != call.order_id
    }
    calls = [
        call
        for call in told.calls
        if call.payload["task"]["execution"] == redriven and function_of(call.task) == "OrderSteps"
    ]
    assert {"BeginCancellation", "FlagForAttention"} <= {call.task for call in calls}
    before = everything_about(redriven)

    # When it is told so again, then each call is refused, and no row is another one
    assert {run_again(saga, call) for call in calls} == {"ExecutionSuperseded"}
    assert everything_about(redriven) == before


@pytest.mark.parametrize("event_type", quickly({"OrderCompleted"}, order_event_types()))
def test_an_event_that_is_delivered_again_changes_nothing(
    event_type: str,
    told: Told,
    saga: Saga,
    stack: dict[str, Any],
    everything_about: Callable[[str], dict[str, list[Json]]],
) -> None:
    # Given the events of that type that orders told of, all consumed
    events = [event for event in told.events if event.detail_type == event_type]
    assert events, "no order told of it"
    deployment = Deployment.of(Stack(**stack))

    for event in events:
        before, executions = everything_about(event.order_id), executions_of(event.order_id, saga)
        mail = sent_mail(deployment.stack, event.order_id)

        # When every function that hears of it hears it once more
        for consumer in consumers_of(event):
            envelope = event.envelope(deployment.stack.region, "000000000000")
            answer = call_function(
                deployment, consumer.name, envelope if consumer.queue is None else queued(envelope)
            )
            assert consumer.queue is None or answer == {"batchItemFailures": []}

        # Then no row, no saga and no mail is new
        assert everything_about(event.order_id) == before
        assert executions_of(event.order_id, saga) == executions
        assert sent_mail(deployment.stack, event.order_id) == mail


@pytest.mark.parametrize(
    ("task", "payload"),
    [
        ("ReserveStock", {"items": [{"sku": "product-002", "quantity": 1}]}),
        ("ChargePayment", {"amount_cents": 2999, "currency": "USD", "token": "tok_visa"}),
    ],
)
def test_a_late_task_cannot_happen_after_its_undo(
    task: str,
    payload: Json,
    saga: Saga,
    books: Callable[[], Books],
    everything_about: Callable[[str], dict[str, list[Json]]],
) -> None:
    # Given an order whose task never arrived, and was undone all the same
    order_id = f"ord_{uuid.uuid4().hex[:26].upper()}"
    saga.run_task("RefundPayment", order_id)
    saga.run_task("ReleaseStock", order_id)
    before, product = everything_about(order_id), books().products["product-002"]

    # When the task arrives in the end
    with pytest.raises(TaskFailed) as refusal:
        saga.run_task(task, order_id, **payload)

    # Then it is refused, and no stock and no money has moved
    assert refusal.value.error_type == "StepAlreadyUndone"
    charged = books().charges.get(order_id, {"captured_cents": 0})
    assert charged["captured_cents"] == 0
    assert everything_about(order_id)["inventory"] == before["inventory"]
    assert books().products["product-002"] == product
