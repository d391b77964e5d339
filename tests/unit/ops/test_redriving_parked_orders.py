"""Redriving the parked orders together: preview, confirmation, progress, and a way to stop."""

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from order import domain
from sagashop_ops import main
from sagashop_ops.errors import OperationRefused
from sagashop_ops.main import cli
from sagashop_ops.redrive import COMPENSATIONS, Redriven, select_parked
from support.operators import FakeJournal, FakeStore

WHY = "the provider is back"


def a_parked_order(order_id: str, at: str, minute: int) -> dict[str, Any]:
    owed = {"refund_cents": 2999, "currency": "USD", "stock_held": [], "shipment_booked": False}
    return {
        "order_id": order_id,
        "updated_at": f"2026-03-01T09:{minute:02}:00.000Z",
        "redrives": 0,
        "parked": {
            "failure": "ShipmentRejected",
            "compensation": at,
            "error": "RefundUnavailable",
            "owed": owed,
        },
    }


ORDERS = [
    a_parked_order("ord_2", "RefundPayment", 20),
    a_parked_order("ord_1", "RefundPayment", 10),
    a_parked_order("ord_3", "ReleaseStock", 5),
]


class FakeApi:
    """The operators' routes; it refuses some orders, and may be interrupted at one."""

    def __init__(self) -> None:
        self.redriven: list[str] = []
        self.refused: set[str] = set()
        self.interrupted_at: str | None = None

    def unsettled(self, status: str) -> Sequence[Mapping[str, Any]]:
        assert status == "NEEDS_ATTENTION"
        return ORDERS

    def redrive(self, order_id: str, reason: str) -> Redriven:
        if order_id == self.interrupted_at:
            os.kill(os.getpid(), signal.SIGINT)
        if order_id in self.refused:
            raise OperationRefused("SAGA_RUNNING", "The saga is running.")
        self.redriven.append(order_id)
        return Redriven(order_id, f"{order_id}-r1", "CancelShipment")


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, journal: FakeJournal) -> FakeApi:
    fake = FakeApi()
    monkeypatch.setattr(main, "local_deployment", lambda *_: FakeStore().deployment)
    monkeypatch.setattr(main.redrives.OperatorApi, "of", lambda _: fake)
    monkeypatch.setattr(main.Journal, "of", lambda _: journal.as_journal)
    return fake


def redrive(*options: str, answer: str = "y") -> Result:
    return CliRunner().invoke(cli, ["redrive", "--why", WHY, *options], input=answer)


def test_each_compensation_of_the_saga_can_be_chosen() -> None:
    assert COMPENSATIONS == domain.COMPENSATIONS


def test_the_longest_parked_come_first_up_to_the_limit() -> None:
    chosen = select_parked(ORDERS, "RefundPayment", limit=1)

    assert [order["order_id"] for order in chosen] == ["ord_1"]
    assert [order["order_id"] for order in select_parked(ORDERS, None, None)] == [
        "ord_3",
        "ord_1",
        "ord_2",
    ]


def test_the_preview_shows_what_is_owed_and_nothing_happens_without_consent(api: FakeApi) -> None:
    result = redrive("--parked", "--at", "RefundPayment", answer="n")

    assert result.exit_code == 1
    assert "RefundPayment gave up with RefundUnavailable" in result.output
    assert "owed: a refund of 29.99 USD" in result.output
    assert "Redrive 2?" in result.output
    assert api.redriven == []


def test_those_that_are_chosen_are_redriven_with_a_line_each(
    api: FakeApi, journal: FakeJournal
) -> None:
    result = redrive("--parked", "--at", "RefundPayment")

    assert result.exit_code == 0
    assert api.redriven == ["ord_1", "ord_2"]
    assert result.output.splitlines()[-3:] == [
        "1/2  Order ord_1 goes on at CancelShipment, as execution ord_1-r1.",
        "2/2  Order ord_2 goes on at CancelShipment, as execution ord_2-r1.",
        "2 redriven, 0 refused, 0 left.",
    ]
    assert [(action, order, why) for action, order, why, *_ in journal.entries] == [
        ("redrive", "ord_1", WHY),
        ("redrive", "ord_2", WHY),
    ]


def test_one_that_is_refused_stops_no_other_and_shows_in_the_exit_code(api: FakeApi) -> None:
    api.refused = {"ord_3"}

    result = redrive("--parked", "--yes")

    assert result.exit_code == 1
    assert "1/3  Order ord_3 stays: The saga is running. (SAGA_RUNNING)" in result.output
    assert "2 redriven, 1 refused, 0 left." in result.output
    assert api.redriven == ["ord_1", "ord_2"]


def test_ctrl_c_stops_after_the_current_order(api: FakeApi) -> None:
    api.interrupted_at = "ord_1"
    before = signal.getsignal(signal.SIGINT)

    result = redrive("--parked", "--yes")

    assert result.exit_code == 1
    assert api.redriven == ["ord_3", "ord_1"]
    assert "2 redriven, 0 refused, 1 left." in result.output
    assert signal.getsignal(signal.SIGINT) is before


def test_a_store_that_does_not_answer_any_more_is_told_with_what_was_done(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_at_the_second(order_id: str, reason: str) -> Redriven:
        if order_id == "ord_1":
            raise ConnectionError
        return Redriven(order_id, f"{order_id}-r1", "CancelShipment")

    monkeypatch.setattr(api, "redrive", fail_at_the_second)

    result = redrive("--parked", "--yes")

    assert isinstance(result.exception, ConnectionError)
    assert "1 redriven, 0 refused, 2 left." in result.output


def test_where_none_is_parked_there_nothing_is_asked(api: FakeApi) -> None:
    result = redrive("--parked", "--at", "CancelOrder")

    assert (result.exit_code, result.output) == (0, "No order is parked at CancelOrder.\n")


@pytest.mark.parametrize("options", [[], ["ord_1", "--parked"], ["ord_1", "--limit", "3"]])
def test_either_one_order_or_the_parked_ones_are_chosen(options: list[str], api: FakeApi) -> None:
    result = redrive(*options)

    assert "Give either an ORDER_ID or --parked" in str(result.exception)
    assert api.redriven == []


def test_one_order_needs_no_consent(api: FakeApi) -> None:
    assert redrive("ord_9", answer="").exit_code == 0
    assert api.redriven == ["ord_9"]


def test_a_compensation_that_there_is_not_is_a_mistake(api: FakeApi) -> None:
    result = redrive("--parked", "--at", "RefundPaymant")

    assert result.exit_code == click.UsageError.exit_code
