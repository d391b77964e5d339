"""What is owed of an order comes from the services' rows."""

from collections.abc import Mapping
from typing import Any

import pytest

from builders import ORDER_ID, an_order
from order import holdings
from order.domain import Order, Owed
from order.holdings import Services
from shared import queries

SERVICES = Services("Inventory", "Payment", "Shipping")
ORDER = an_order().with_item("product-001", 2).paid().build()
ITEMS = [{"sku": "product-001", "quantity": 2}]
HELD: Mapping[str, Mapping[str, Any]] = {
    "Inventory": {"stock_held": ITEMS},
    "Payment": {"refund_cents": 259_800, "currency": "USD"},
    "Shipping": {"shipment_booked": True},
}


def owed(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, Any], order: Order = ORDER) -> Owed:
    """Asks services, of which one without an answer fails."""

    def ask(function: str, question: Mapping[str, Any], *, timeout: float) -> Mapping[str, Any]:
        assert question == {"query": "owed", "order_ids": [ORDER_ID]}
        if function not in answers:
            raise queries.QueryFailed(function, "KeyError")
        held = answers[function]
        return {"owed": {} if held is None else {ORDER_ID: held}}

    monkeypatch.setattr(queries, "ask", ask)
    return holdings.owed_of([order], SERVICES)[ORDER_ID]


def test_what_is_owed_is_what_each_service_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert owed(monkeypatch, HELD) == Owed(259_800, "USD", ITEMS, True, [])


def test_a_service_without_a_row_holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert owed(monkeypatch, dict.fromkeys(HELD)) == Owed(0, "USD", [], False, [])


def test_a_result_that_is_not_known_yet_is_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    unknown = HELD | {
        "Payment": {"refund_cents": None, "currency": "USD"},
        "Shipping": {"shipment_booked": None},
    }

    # Then
    assert owed(monkeypatch, unknown) == Owed(None, "USD", ITEMS, True, [])


@pytest.mark.parametrize(
    ("silent", "worst"),
    [
        ("Inventory", Owed(259_800, "USD", ITEMS, True, ["inventory"])),
        ("Payment", Owed(None, "USD", ITEMS, True, ["payment"])),
        ("Shipping", Owed(259_800, "USD", ITEMS, True, ["shipping"])),
    ],
)
def test_of_a_service_that_does_not_answer_the_worst_is_assumed(
    silent: str, worst: Owed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    answers = {name: held for name, held in HELD.items() if name != silent}

    # Then
    assert owed(monkeypatch, answers) == worst


def test_many_orders_are_asked_for_a_hundred_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    asked: list[int] = []
    orders = [an_order().with_id(f"ord_{number:026}").build() for number in range(150)]

    def ask(function: str, question: Mapping[str, Any], *, timeout: float) -> Mapping[str, Any]:
        asked.append(len(question["order_ids"]))
        return {"owed": {}}

    monkeypatch.setattr(queries, "ask", ask)

    # When
    found = holdings.owed_of(orders, SERVICES)

    # Then
    assert len(found) == 150
    assert asked == [100, 100, 100, 50, 50, 50]
