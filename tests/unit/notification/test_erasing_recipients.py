"""An order that was anonymized has nobody any more whom its messages went to, or will go to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from builders import ORDER_ID
from notification import domain, service
from notification.domain import AnotherDeliverySends, Notification, NotificationStatus
from notification.messages import CUSTOMERS_LETTERS
from notification.service import Outcome
from shared import clock, ids
from shared.errors import NotificationUnavailable
from shared.events import PublishedEvent
from unit.notification.fakes import CUSTOMER, FakeCustomers, FakeMailer, FakeNotifications

OPERATOR = "operator@example.com"
MONEY = {"total_cents": 100, "currency": "USD"}
REASON = {"code": "PAYMENT_DECLINED", "message": "Declined."}
DATA: dict[str, dict[str, Any]] = {
    "OrderPlaced": {"items": [{"sku": "product-001", "quantity": 1}]},
    "PaymentRequested": {**MONEY, "due_at": "2026-03-01T09:45:00.125Z"},
    "OrderCompleted": MONEY,
    "OrderCancelled": {"reason": REASON, "refund": None},
    "OrderNeedsAttention": {
        "compensation": "RefundPayment",
        "error": "RefundUnavailable",
        "reason": REASON,
        "owed": {"refund_cents": 100, "currency": "USD", "stock_held": [], "unanswered": []},
    },
    "OrderAnonymized": {},
}

type Deliver = Callable[..., Outcome]


@pytest.fixture
def deliver(
    notifications: FakeNotifications,
    customers: FakeCustomers,
    mailer: FakeMailer,
    frozen_clock: Any,
) -> Deliver:
    """Delivers an event of the order, with a sequence."""

    def deliver(event_type: str, sequence: int) -> Outcome:
        event_id = ids.event_id(ORDER_ID, event_type)
        detail = {
            "metadata": {"event_id": event_id, "sequence": sequence},
            "data": {"order_id": ORDER_ID, **DATA[event_type]},
        }
        return service.notify(
            PublishedEvent("sagashop.order", event_type, detail),
            notifications,
            customers.find_customer,
            mailer,
            operator_email=OPERATOR,
            storefront_url="",
            now=clock.now,
        ).outcome

    return deliver


def recipients(notifications: FakeNotifications) -> dict[str, str | None]:
    return {each.event_type: each.to for each in notifications.standing.values()}


def test_the_letters_to_customers_are_all_but_those_to_operators() -> None:
    assert DATA.keys() - {"OrderNeedsAttention", "OrderAnonymized"} == CUSTOMERS_LETTERS


def test_nobody_is_left_whom_a_message_went_to(
    deliver: Deliver, notifications: FakeNotifications
) -> None:
    # Given
    for sequence, event_type in enumerate(DATA.keys() - {"OrderAnonymized"}, start=1):
        assert deliver(event_type, sequence) is Outcome.SENT
    before = dict(notifications.standing)

    # When it comes, as often as it comes
    for _ in range(2):
        assert deliver("OrderAnonymized", 9) is Outcome.ERASED

    # Then only the operator is, and nothing else has changed
    told = {name: to for name, to in recipients(notifications).items() if to is not None}
    assert told == {"OrderNeedsAttention": OPERATOR}
    for event_id, notification in notifications.standing.items():
        assert replace(notification, to=before[event_id].to) == before[event_id]


def test_the_messages_of_other_orders_are_left_alone(
    deliver: Deliver, notifications: FakeNotifications, frozen_clock: Any
) -> None:
    # Given
    other = Notification("evt_other", "OrderPlaced", "ord_other", "s", clock.now(), to=CUSTOMER)
    notifications.claim(other)

    # When
    deliver("OrderAnonymized", 9)

    # Then
    assert notifications.find("evt_other") == other


def test_a_message_that_is_being_sent_is_waited_for(
    deliver: Deliver, notifications: FakeNotifications, frozen_clock: Any
) -> None:
    # Given
    event_id = ids.event_id(ORDER_ID, "OrderCompleted")
    claim = Notification(event_id, "OrderCompleted", ORDER_ID, "s", clock.now(), to=CUSTOMER)
    notifications.claim(claim)

    # Then
    with pytest.raises(AnotherDeliverySends):
        deliver("OrderAnonymized", 9)

    # And when its sender has died
    frozen_clock.advance(seconds=domain.CLAIM.total_seconds())
    assert deliver("OrderAnonymized", 9) is Outcome.ERASED
    assert recipients(notifications) == {"OrderCompleted": None}


@pytest.mark.parametrize("event_type", sorted(CUSTOMERS_LETTERS))
def test_a_message_whose_recipient_was_looked_up_before_is_not_sent_after(
    event_type: str,
    deliver: Deliver,
    notifications: FakeNotifications,
    customers: FakeCustomers,
    mailer: FakeMailer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    find_customer = customers.find_customer

    def find_and_be_overtaken(order_id: str) -> Any:
        recipient = find_customer(order_id)
        assert deliver("OrderAnonymized", 9) is Outcome.ERASED
        return recipient

    monkeypatch.setattr(customers, "find_customer", find_and_be_overtaken)

    # When
    outcome = deliver(event_type, 1)

    # Then
    assert outcome is Outcome.SKIPPED
    assert mailer.sent == []
    assert recipients(notifications) == {event_type: None}


def test_a_message_that_failed_before_is_skipped_after(
    deliver: Deliver,
    notifications: FakeNotifications,
    customers: FakeCustomers,
    mailer: FakeMailer,
) -> None:
    # Given
    mailer.failures.append(NotificationUnavailable())
    with pytest.raises(NotificationUnavailable):
        deliver("OrderCompleted", 4)

    # When
    deliver("OrderAnonymized", 9)
    assert recipients(notifications) == {"OrderCompleted": None}
    customers.unknown.add(ORDER_ID)

    # Then
    assert deliver("OrderCompleted", 4) is Outcome.SKIPPED
    (standing,) = notifications.standing.values()
    assert (standing.status, standing.to) == (NotificationStatus.SKIPPED, None)
