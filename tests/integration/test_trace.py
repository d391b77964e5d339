"""One order's story, as a running store tells it."""

from typing import Any

import pytest

from sagashop_ops import trace
from sagashop_ops.aws import Deployment
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.errors import UnknownOrder
from sagashop_ops.stack import Stack
from sagashop_ops.trace import Moment
from support.saga import Saga
from support.waiting import eventually

LOGGED = ("StockReserved", "PaymentCaptured", "ShipmentCreated", "StockCommitted")
HEARD = {
    *(("consumer", "RecordEvent", "event logged", event) for event in LOGGED),
    *(("bus", "Relay", "event published", event) for event in LOGGED),
    ("consumer", "SendNotification", "notification sent", "OrderCompleted"),
    ("bus", "Relay", "event published", "OrderCompleted"),
}


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


@pytest.fixture(scope="module")
def order_id(store: StoreClient, saga: Saga) -> str:
    order_id = store.place_order([Line("product-003", 1)], "tok_flaky")
    assert saga.wait_until_ended(order_id)["status"] == "COMPLETED"
    return order_id


@pytest.fixture(scope="module")
def story(deployment: Deployment, order_id: str) -> list[Moment]:
    """The whole story; the last lines are handed in a moment after they were written."""

    def has(moments: list[Moment], hop: str, who: str, *words: str) -> bool:
        return any(
            moment.hop == hop
            and moment.who.endswith(who)
            and all(word in moment.what for word in words)
            for moment in moments
        )

    return eventually(
        lambda: trace.tell(trace.read_sources(deployment, order_id)),
        until=lambda moments: all(has(moments, *wanted) for wanted in HEARD),
        every=0.5,
    )


def test_the_story_crosses_all_hops(story: list[Moment]) -> None:
    assert {moment.hop for moment in story} >= {"HTTP", "saga", "stream", "bus", "consumer"}


def test_the_story_is_in_the_order_of_time(story: list[Moment], order_id: str) -> None:
    assert [moment.at for moment in story] == sorted(moment.at for moment in story)
    assert story[0].hop in {"HTTP", "stream"}
    ended = [moment for moment in story if moment.what == "execution succeeded"]
    assert len(ended) == 1
    assert ended[0].took is not None


def test_every_state_is_told_with_its_duration(
    story: list[Moment], saga: Saga, order_id: str
) -> None:
    states = [moment for moment in story if moment.what == "state"]

    assert [state.who for state in states] == saga.states(order_id)
    assert all(state.took is not None for state in states)


def test_each_failed_try_is_told(story: list[Moment]) -> None:
    failures = [moment for moment in story if moment.what.startswith("task failed")]

    assert [moment.who for moment in failures] == ["ChargePayment"] * 2
    assert all("PaymentProviderUnavailable" in moment.what for moment in failures)


def test_every_event_is_told_once_by_its_service(
    story: list[Moment], store: StoreClient, order_id: str
) -> None:
    events = [(moment.who, moment.what) for moment in story if moment.hop == "stream"]
    timeline = [(event["service"], event["type"]) for event in store.timeline(order_id)]

    assert sorted(events) == sorted(timeline)


def test_the_way_of_an_event_is_told_with_its_durations(story: list[Moment]) -> None:
    relayed = [moment for moment in story if moment.hop == "bus"]

    assert relayed
    assert all(moment.took is not None for moment in relayed)


def test_the_ids_stand_above_the_story(deployment: Deployment, order_id: str) -> None:
    lines = trace.describe(trace.read_sources(deployment, order_id))

    assert lines[0] == f"order        {order_id}"
    assert lines[1].startswith("correlation  cor_")
    assert lines[2].startswith("trace        1-")
    assert lines[3] == f"execution    {order_id}"
    assert lines[5].startswith("   +0.000 s")


def test_an_unknown_order_has_no_story(deployment: Deployment) -> None:
    with pytest.raises(UnknownOrder):
        trace.read_sources(deployment, "ord_nobody")
