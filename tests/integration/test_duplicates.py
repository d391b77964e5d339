"""Everything may come twice: requests, executions, and the saga's own calls."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagashop_cli.audit import Books
from sagashop_cli.client import Json, Line, StoreClient, order_body
from support.saga import Saga, TaskFailed


@pytest.fixture
def key() -> str:
    """A fresh idempotency key."""
    return str(uuid.uuid4())


@pytest.fixture
def everything_about(
    stack: dict[str, Any], aws: Callable[[str], Any]
) -> Callable[[str], dict[str, list[Json]]]:
    """Reads every row that an order has, in any service: its events too."""

    def rows(order_id: str) -> dict[str, list[Json]]:
        return {
            table: [
                item
                for page in aws("dynamodb")
                .get_paginator("scan")
                .paginate(
                    TableName=name,
                    FilterExpression="contains(pk, :order_id)",
                    ExpressionAttributeValues={":order_id": {"S": order_id}},
                )
                for item in page["Items"]
                if item.get("entity") != {"S": "logged_event"}  # these arrive in their own time
            ]
            for table, name in stack["tables"].items()
        }

    return rows


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


def test_tasks_of_a_completed_order_that_are_delivered_again_change_nothing(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    books: Callable[[], Books],
    everything_about: Callable[[str], dict[str, list[Json]]],
) -> None:
    # Given a completed order
    sku = new_product(10, price_cents=700)
    order_id = store.place_order([Line(sku, 2)], "tok_visa")
    saga.wait_until_ended(order_id)
    before, product = everything_about(order_id), books().products[sku]

    # When each of its tasks is delivered once more
    reservation = saga.run_task("ReserveStock", order_id, items=[{"sku": sku, "quantity": 2}])
    saga.run_task("RecordReservation", order_id, reservation=reservation)
    payment = saga.run_task(
        "ChargePayment", order_id, amount_cents=1400, currency="USD", token="tok_visa"
    )
    saga.run_task("RecordPayment", order_id, payment=payment)
    saga.run_task("CommitStock", order_id)
    saga.run_task("CompleteOrder", order_id)

    # Then they gave their first answers again, and left no trace
    assert reservation["total_cents"] == payment["amount_cents"] == 1400
    assert everything_about(order_id) == before
    assert books().products[sku] == product


def test_undoing_a_cancelled_order_again_changes_nothing(
    store: StoreClient,
    saga: Saga,
    new_product: Callable[..., str],
    books: Callable[[], Books],
    everything_about: Callable[[str], dict[str, list[Json]]],
) -> None:
    # Given an order that was refunded, released and cancelled
    sku = new_product(10)
    order_id = store.place_order([Line(sku, 2)], "tok_lost_reply")
    saga.wait_until_ended(order_id)
    before, product = everything_about(order_id), books().products[sku]

    # When each compensation is delivered once more
    saga.run_task("RefundPayment", order_id)
    saga.run_task("ReleaseStock", order_id)
    saga.run_task("CancelOrder", order_id, failure={"Error": "Again", "Cause": "again"})

    # Then nothing is given back twice
    assert everything_about(order_id) == before
    assert books().products[sku] == product


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
