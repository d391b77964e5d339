"""What else an operator does with a running store: figures, sweeps, the record, the session."""

import stat
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests

from sagashop_ops import stats, sweep
from sagashop_ops.audit import Books, audit
from sagashop_ops.aws import Deployment
from sagashop_ops.client import Line, StoreClient
from sagashop_ops.journal import Journal, read_operations
from sagashop_ops.sessions import LOCAL_OPERATOR_FILE, LOCAL_SESSION_FILE, signed_in
from sagashop_ops.stack import Stack
from sagashop_ops.stats import Counted
from sagashop_ops.token_keys import LOCAL_KEYS_FILE
from support.saga import Saga
from support.waiting import eventually


@pytest.fixture(scope="module")
def deployment(stack: dict[str, Any]) -> Deployment:
    return Deployment.of(Stack(**stack))


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer wrong", "Basic {t}", "{t}"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/ops/orders"), ("POST", "/ops/orders/ord_1/redrive")]
)
def test_without_a_token_operators_routes_are_closed(
    method: str, path: str, authorization: str | None, deployment: Deployment
) -> None:
    token = signed_in(deployment.stack).access_token
    headers = {"Authorization": authorization.format(t=token)} if authorization else {}

    answer = requests.request(
        method, f"{deployment.stack.api_url}{path}", headers=headers, timeout=35
    )

    assert answer.status_code == 401
    assert answer.json()["code"] == ("INVALID_TOKEN" if authorization else "UNAUTHORIZED")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_local_store_has_an_operator_whose_secrets_only_its_owner_reads(
    deployment: Deployment,
) -> None:
    session = signed_in(deployment.stack)

    url = f"{deployment.stack.api_url}/ops/orders"
    headers = {"Authorization": f"Bearer {session.access_token}"}
    assert requests.get(url, headers=headers, timeout=35).status_code == 200
    assert deployment.stack.local_state is not None
    for name in (LOCAL_OPERATOR_FILE, LOCAL_SESSION_FILE, LOCAL_KEYS_FILE):
        file = deployment.stack.local_state / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, name


@pytest.mark.full
def test_the_figures_are_those_of_the_books(
    deployment: Deployment, store: StoreClient, saga: Saga, books: Callable[[], Books]
) -> None:
    before = stats.read_stats(deployment)
    order_id = store.place_order([Line("product-003", 1)], "tok_visa")
    saga.wait_until_ended(order_id)

    steps = [
        ("order", "CompleteOrder"),
        ("inventory", "ReserveStock"),
        ("payment", "ChargePayment"),
        ("shipping", "CreateShipment"),
    ]
    now = eventually(
        lambda: stats.read_stats(deployment),
        until=lambda now: (
            all(_grown(before, now, *step) == 1 for step in steps)
            # The first of two messages is skipped where the second one came before it.
            and _settled(now.mails) - _settled(before.mails) == 2
        ),
        every=0.5,
    )

    assert now.orders["COMPLETED"] == before.orders.get("COMPLETED", 0) + 1
    assert now.orders == audit(books()).orders_by_status
    assert now.executions["SUCCEEDED"] >= before.executions.get("SUCCEEDED", 0) + 1
    assert now.circuits.keys() == {"payment", "shipping"}
    assert now.dead_letters.keys() == deployment.stack.dead_letter_queues.keys()


def _settled(mails: Mapping[str, int]) -> int:
    return mails.get("SENT", 0) + mails.get("SKIPPED", 0)


def _grown(before: stats.Stats, now: stats.Stats, service: str, step: str) -> int:
    counted = Counted(service, step, "StepSucceeded")
    return now.metrics.get(counted, 0) - before.metrics.get(counted, 0)


def test_every_service_sweeps_when_it_is_told_to_and_the_record_says_so(
    deployment: Deployment,
) -> None:
    journal = Journal.of(deployment)

    swept = list(sweep.sweep(deployment, journal, 3600))

    services = ["order", "inventory", "payment", "shipping"]
    assert [report["service"] for report in swept] == services
    last = read_operations(journal.table, 1)[0]
    assert (last.action, last.status, last.operator) == ("sweep", "DONE", journal.operator)
    assert {"grace_seconds", *services} <= last.details.keys()
