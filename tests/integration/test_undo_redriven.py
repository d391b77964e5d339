"""An order that is parked is redriven by an operator, to its end.

It runs after test_undo_fails.py, which looks at the same order while it is parked.
"""

from collections.abc import Callable
from typing import Any

import pytest

from sagashop_ops import parked, provider
from sagashop_ops.audit import Books, audit
from sagashop_ops.aws import Deployment
from sagashop_ops.client import StoreClient
from sagashop_ops.errors import OperationRefused, UnknownOrder
from sagashop_ops.journal import Journal, read_operations
from sagashop_ops.redrive import PARKED, OperatorApi, redrive
from sagashop_ops.stack import Stack
from support.outage import PaidInVain
from support.saga import Saga
from support.waiting import eventually

WHY = "the provider refunds again"


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


@pytest.fixture(scope="module")
def api(deployment: Deployment) -> OperatorApi:
    return OperatorApi.of(deployment)


@pytest.fixture(scope="module")
def order_id(saga: Saga, paid_in_vain: PaidInVain) -> str:
    """An order that is parked, because its payment can't be refunded."""
    order_id = paid_in_vain.unrefundable
    assert saga.wait_until_ended(order_id)["status"] == PARKED
    return order_id


def test_a_parked_order_is_listed_with_what_is_owed(api: OperatorApi, order_id: str) -> None:
    (order,) = [order for order in api.unsettled(PARKED) if order["order_id"] == order_id]

    lines = parked.describe([order])
    assert "RefundPayment gave up with RefundUnavailable" in lines[1]
    assert "a refund of" in lines[2]
    assert "stock to release" in lines[2]


def test_once_fixed_it_is_redriven_to_its_end_and_the_books_hold(
    deployment: Deployment,
    api: OperatorApi,
    order_id: str,
    store: StoreClient,
    saga: Saga,
    books: Callable[[], Books],
    paid_in_vain: PaidInVain,
) -> None:
    journal = Journal.of(deployment)
    provider.allow_refund(deployment, journal, order_id, WHY)

    # When it is redriven, then a new execution undoes everything, what is undone already too
    redriven = redrive(api, journal, order_id, WHY)
    assert (redriven.execution, redriven.resume_at) == (f"{order_id}-r1", "CancelShipment")
    order = eventually(lambda: store.order(order_id), until=lambda o: o["status"] == "CANCELLED")

    # Then everything is undone, once
    assert saga.states(redriven.execution)[:5] == [
        "ResumeOrBegin",
        "BeginCancellation",
        "ChooseFirstCompensation",
        "CancelShipment",
        "RefundPayment",
    ]
    assert (order["status"], order["reason"]["code"]) == ("CANCELLED", "INTERNAL_ERROR")
    charge = books().charges[order_id]
    assert charge["refunded_cents"] == charge["captured_cents"] == paid_in_vain.owed_cents
    assert books().reservations[order_id]["status"] == "RELEASED"
    eventually(lambda: audit(books()).discrepancies, until=lambda wrong: not wrong)

    # And its log says who did it, and why
    eventually(
        lambda: [event["type"] for event in store.timeline(order_id)],
        until=lambda types: (
            types[types.index("OrderNeedsAttention") :]
            == [
                "OrderNeedsAttention",
                "OrderRedriven",
                "PaymentRefunded",
                "StockReleased",
                "OrderCancelled",
            ]
        ),
    )
    last = read_operations(journal.table, 1)[0]
    assert (last.action, last.target, last.reason) == ("redrive", order_id, WHY)
    assert (last.operator, last.status) == (journal.operator, "DONE")


def test_an_order_that_has_ended_is_not_redriven(
    deployment: Deployment, api: OperatorApi, paid_in_vain: PaidInVain, saga: Saga
) -> None:
    saga.wait_until_ended(paid_in_vain.refundable)
    journal = Journal.of(deployment)

    with pytest.raises(OperationRefused) as refusal:
        redrive(api, journal, paid_in_vain.refundable, WHY)

    assert refusal.value.code == "ORDER_HAS_ENDED"
    assert read_operations(journal.table, 1)[0].status == "FAILED"


def test_an_unknown_order_is_not_redriven(deployment: Deployment, api: OperatorApi) -> None:
    with pytest.raises(UnknownOrder):
        redrive(api, Journal.of(deployment), "ord_nobody", WHY)
    with pytest.raises(OperationRefused):
        provider.allow_refund(deployment, Journal.of(deployment), "ord_nobody", WHY)
