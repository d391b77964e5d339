"""Live orders on the real local cloud: from a change of an order's row to everyone who watches."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sagashop_ops.client import Line, StoreClient, order_body
from support.accounts import open_account
from support.live import LiveClient, Message, crowd, hear_until_ended, live_client, subscribe_all
from support.payment_window import payment_window
from support.usage import engine_at, usage
from support.waiting import eventually

CLIENTS, ORDERS = 500, 20

type Watch = Callable[[str], AbstractContextManager[LiveClient]]


@pytest.fixture(scope="module")
def sku(new_product: Callable[..., str]) -> str:
    return new_product(1000)


@pytest.fixture(scope="module")
def time_to_pay(stack: dict[str, Any], aws: Callable[[str], Any]) -> Iterator[None]:
    """Five minutes, whatever the store's own window is: a busy machine must not run out of it."""
    with payment_window(300, stack, aws):
        yield


@pytest.fixture
def watch(stack: dict[str, Any], store: StoreClient) -> Watch:
    """Makes a client with an order's token."""
    return lambda order_id: live_client(stack["websocket_url"], store.order_token(order_id))


@pytest.fixture
def waiting(store: StoreClient, sku: str, time_to_pay: None) -> str:
    """An order that waits for its payment."""
    order_id = store.place_order([Line(sku, 1)], None)
    store.wait_for(order_id, {"AWAITING_PAYMENT"})
    return order_id


def test_who_watches_an_order_hears_of_every_change(
    store: StoreClient, watch: Watch, waiting: str
) -> None:
    # Given
    with watch(waiting) as client:
        first = client.subscribe(waiting)
        assert first["order"] == store.order(waiting)

        # When
        store.pay(waiting, "tok_visa")

        # Then
        messages = [first, *client.hear_until("COMPLETED")]
    sequences = [message["sequence"] for message in messages]
    statuses = list(dict.fromkeys(message["order"]["status"] for message in messages))
    assert sequences == sorted(sequences)
    assert statuses == ["AWAITING_PAYMENT", "PAID", "COMPLETED"]
    assert messages[-1]["order"] == store.order(waiting)


def test_a_declined_payment_is_watched_until_all_is_undone(
    store: StoreClient, watch: Watch, waiting: str
) -> None:
    with watch(waiting) as client:
        client.subscribe(waiting)

        store.pay(waiting, "tok_declined")

        *_, before, last = client.hear_until("CANCELLED")
    assert before["order"]["status"] == "CANCELLING"
    assert last["order"]["reason"]["code"] == "PAYMENT_DECLINED"


def test_who_comes_late_gets_the_state_of_then(store: StoreClient, watch: Watch, sku: str) -> None:
    order_id = store.place_order([Line(sku, 1)], "tok_visa")
    order = store.wait_until_ended(order_id)

    with watch(order_id) as client:
        assert client.subscribe(order_id)["order"] == order


def test_an_order_s_token_opens_no_other(
    store: StoreClient, watch: Watch, waiting: str, sku: str
) -> None:
    other = store.place_order([Line(sku, 1)], "tok_visa")

    with watch(other) as client:
        refusal = client.subscribe(waiting)
        assert refusal["code"] == "ORDER_NOT_FOUND"
        # And it is told nothing of it
        store.cancel(waiting)
        store.wait_until_ended(waiting)
        client.socket.send("hello")
        assert client.hear()["code"] == "UNKNOWN_ACTION"


@pytest.mark.parametrize("token", ["", "eyJhbGciOi.eyJzdWIi.c2ln"])
def test_without_a_valid_token_nobody_connects(stack: dict[str, Any], token: str) -> None:
    with pytest.raises(InvalidStatus) as refused, live_client(stack["websocket_url"], token):
        pass

    assert refused.value.response.status_code == 401


def test_who_left_is_forgotten_with_the_next_change(
    stack: dict[str, Any],
    aws: Callable[[str], Any],
    store: StoreClient,
    watch: Watch,
    waiting: str,
) -> None:
    # Given a client whose end nobody was told of, and one that is there
    table, key = stack["tables"]["realtime"], {"pk": {"S": f"ORDER#{waiting}"}}
    aws("dynamodb").put_item(
        TableName=table,
        Item=key | {"sk": {"S": "WATCHER#gone="}, "connection_id": {"S": "gone="}},
    )

    def watchers() -> set[str]:
        rows = aws("dynamodb").query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": key["pk"]},
        )["Items"]
        return {row["connection_id"]["S"] for row in rows}

    with watch(waiting) as client:
        client.subscribe(waiting)

        # When
        store.cancel(waiting)
        client.hear_until("CANCELLED")

        # Then
        (left,) = eventually(watchers, until=lambda found: len(found) == 1)
        assert left != "gone="

    # When that one leaves as well
    assert eventually(watchers, until=lambda found: not found) == set()


def test_an_account_s_connections_end_with_it(
    stack: dict[str, Any], store: StoreClient, sku: str, time_to_pay: None
) -> None:
    # Given somebody who watches an order of theirs
    account = open_account(stack["api_url"])
    placed = store.post("/orders", order_body([Line(sku, 1)], None), account.bearer)
    order_id = placed.json()["order_id"]
    with live_client(stack["websocket_url"], account.access_token) as client:
        assert client.subscribe(order_id)["type"] == "order"

        # When
        account.delete().raise_for_status()

        # Then
        with pytest.raises(ConnectionClosed):
            client.hear_until("CANCELLED")
    store.cancel(order_id)


@pytest.mark.full
def test_500_clients_end_with_the_same_state_while_20_orders_run(
    stack: dict[str, Any],
    store: StoreClient,
    sku: str,
    waiting: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = engine_at(stack["endpoint_url"])

    async def pay_and_buy() -> None:
        buy = partial(asyncio.to_thread, store.place_order, [Line(sku, 1)], "tok_visa")
        pay = asyncio.to_thread(store.pay, waiting, "tok_visa")
        _, *bought = await asyncio.gather(pay, *(buy() for _ in range(ORDERS)))
        for order_id in bought:
            order = await asyncio.to_thread(store.wait_until_ended, order_id, 180)
            assert order["status"] == "COMPLETED"

    async def watch_and_buy() -> list[Message]:
        start = usage(engine)
        async with crowd(CLIENTS, stack["websocket_url"], store.order_token(waiting)) as clients:
            await subscribe_all(clients, waiting)
            subscribed = usage(engine)
            heard, _ = await asyncio.gather(hear_until_ended(clients), pay_and_buy())
            ended = usage(engine)
        with capsys.disabled():
            print(f"\n{CLIENTS} clients subscribe: {subscribed - start}")
            print(f"{ORDERS} orders run, {CLIENTS} clients hear: {ended - subscribed}")
        return heard

    # When
    heard = asyncio.run(watch_and_buy())

    # Then nobody missed the end
    assert len(heard) == CLIENTS
    (end,) = {json.dumps(message, sort_keys=True) for message in heard}
    assert json.loads(end)["order"] == store.order(waiting)
