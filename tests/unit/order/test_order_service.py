"""Deciding on an order that others change at the same moment."""

import pytest

from builders import ORIGIN, PLACED_AT, an_order
from order import domain, service
from order.domain import Change, Order
from shared.errors import StorageContention
from unit.order.fakes import FakeOrders


class Interloper:
    """Decides on an order, and is overtaken by another writer the first few times."""

    def __init__(self, orders: FakeOrders, times: int) -> None:
        self._orders = orders
        self._times = times
        self.seen: list[Order] = []

    def decide(self, order: Order) -> Change:
        """Wants to cancel; somebody else's change comes first."""
        self.seen.append(order)
        if self._times:
            self._times -= 1
            other = domain.changed(order, order.updated_at, email=f"{len(self.seen)}@example.com")
            self._orders.save(order, Change(other))
        return domain.request_cancellation(order, ORIGIN, PLACED_AT)


def test_a_decision_that_was_overtaken_is_taken_again_on_the_order_as_it_is_then(
    orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders.add(Change(an_order().build()), None)
    interloper = Interloper(orders, times=2)

    # When
    order = service.change(orders, an_order().order_id, interloper.decide)

    # Then both writers' changes are kept
    assert [seen.version for seen in interloper.seen] == [1, 2, 3]
    assert order == orders.get(order.order_id)
    assert (order.email, order.cancel_requested_at) == ("2@example.com", PLACED_AT)


def test_a_decision_that_is_always_overtaken_gives_up(
    orders: FakeOrders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    orders.add(Change(an_order().build()), None)

    # Then
    with pytest.raises(StorageContention):
        service.change(orders, an_order().order_id, Interloper(orders, times=100).decide)
    assert orders.get(an_order().order_id).cancel_requested_at is None
