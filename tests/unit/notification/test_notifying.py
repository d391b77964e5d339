"""One event, one message: delivered twice, at once, after a failure, after a death."""

from collections.abc import Callable
from typing import Any

import pytest

from builders import ORDER_ID
from notification import service
from notification.domain import AnotherDeliverySends, Notification, NotificationStatus
from notification.service import Outcome
from shared import clock
from shared.errors import NotificationUnavailable, StorageContention
from shared.events import PublishedEvent
from unit.notification.fakes import FakeNotifications

CUSTOMER = "ada@example.com"
OPERATOR = "operator@example.com"
PLACED = {"order_id": ORDER_ID, "items": [{"sku": "product-001", "quantity": 1}]}
PARKED = {
    "order_id": ORDER_ID,
    "compensation": "RefundPayment",
    "reason": {"code": "INTERNAL_ERROR", "message": "Something went wrong on our side."},
    "error": "RefundUnavailable",
    "owed": {"refund_cents": 100, "currency": "USD", "stock_held": []},
}

type Deliver = Callable[..., Outcome]


def statuses(notifications: FakeNotifications) -> list[str]:
    return [notification.status for notification in notifications.standing.values()]


@pytest.fixture
def deliver(
    notifications: FakeNotifications, customers: Any, mailer: Any, frozen_clock: Any
) -> Deliver:
    """Delivers an event, OrderPlaced unless told otherwise."""

    def deliver(event_type: str = "OrderPlaced", data: dict[str, Any] = PLACED) -> Outcome:
        detail = {"metadata": {"event_id": f"evt-{event_type}"}, "data": data}
        return service.notify(
            PublishedEvent("sagashop.order", event_type, detail),
            notifications,
            customers.find_email,
            mailer,
            operator_email=OPERATOR,
            storefront_url="",
            now=clock.now,
        )

    return deliver


def test_a_customer_gets_a_message_and_the_table_remembers_it(
    deliver: Deliver, mailer: Any, notifications: FakeNotifications
) -> None:
    # When
    outcome = deliver()

    # Then
    assert outcome is Outcome.SENT
    ((recipient, message),) = mailer.sent
    assert recipient == CUSTOMER
    assert list(notifications.standing.values()) == [
        Notification(
            event_id="evt-OrderPlaced",
            event_type="OrderPlaced",
            order_id=ORDER_ID,
            subject=message.subject,
            claimed_at=clock.now(),
            status=NotificationStatus.SENT,
            to=CUSTOMER,
            sent_at=clock.now(),
            message_id="message-1",
        )
    ]


def test_an_event_that_comes_twice_is_written_of_once(deliver: Deliver, mailer: Any) -> None:
    assert [deliver(), deliver()] == [Outcome.SENT, Outcome.DUPLICATE]
    assert len(mailer.sent) == 1


def test_an_event_that_comes_again_years_later_is_a_repeat(
    deliver: Deliver, mailer: Any, frozen_clock: Any
) -> None:
    # Given
    deliver()

    # When
    frozen_clock.advance(days=1000)
    deliver()

    # Then
    assert len(mailer.sent) == 1


def test_the_operator_gets_what_only_an_operator_can_repair(deliver: Deliver, mailer: Any) -> None:
    deliver("OrderNeedsAttention", PARKED)

    assert [recipient for recipient, _ in mailer.sent] == [OPERATOR]


def test_an_event_that_concerns_nobody_leaves_nothing_behind(
    deliver: Deliver, notifications: FakeNotifications
) -> None:
    assert deliver("OrderRedriven", {"order_id": ORDER_ID}) is Outcome.NOT_NEWS
    assert notifications.standing == {}


def test_an_order_that_nobody_knows_is_nobodys(
    deliver: Deliver, customers: Any, mailer: Any, notifications: FakeNotifications
) -> None:
    # Given
    customers.unknown.add(ORDER_ID)

    # When
    outcomes = [deliver(), deliver()]

    # Then
    assert outcomes == [Outcome.NOBODY, Outcome.DUPLICATE]
    assert mailer.sent == []
    assert statuses(notifications) == ["SKIPPED"]


def test_a_message_that_was_not_taken_is_sent_at_the_next_delivery(
    deliver: Deliver, mailer: Any, notifications: FakeNotifications
) -> None:
    # Given
    mailer.failures.append(NotificationUnavailable("down"))
    with pytest.raises(NotificationUnavailable):
        deliver()
    assert statuses(notifications) == ["FAILED"]

    # When
    outcome = deliver()

    # Then
    assert outcome is Outcome.SENT
    assert len(mailer.sent) == 1


def test_a_question_without_an_answer_leaves_no_claim_behind(
    deliver: Deliver, customers: Any, notifications: FakeNotifications
) -> None:
    # Given
    customers.failures.append(RuntimeError("no answer"))

    # When
    with pytest.raises(RuntimeError):
        deliver()

    # Then
    assert notifications.standing == {}


def test_a_delivery_waits_while_another_one_may_be_sending(
    deliver: Deliver, mailer: Any, frozen_clock: Any
) -> None:
    # Given a delivery that died, nobody knows how far it came
    mailer.failures.append(TimeoutError())
    with pytest.raises(TimeoutError):
        deliver()

    # When, Then
    frozen_clock.advance(seconds=29.9)
    with pytest.raises(AnotherDeliverySends):
        deliver()
    assert mailer.sent == []

    # When, Then
    frozen_clock.advance(seconds=0.1)
    assert deliver() is Outcome.SENT


def test_of_two_deliveries_that_take_over_one_sends(
    notifications: FakeNotifications, deliver: Deliver, mailer: Any, frozen_clock: Any
) -> None:
    # Given
    mailer.failures.append(TimeoutError())
    with pytest.raises(TimeoutError):
        deliver()
    frozen_clock.advance(minutes=1)
    claim = notifications.claim

    def claim_after_another(notification: Any) -> Any:
        notifications.claim = claim  # type: ignore[method-assign]
        assert deliver() is Outcome.SENT
        return claim(notification)

    # When
    notifications.claim = claim_after_another  # type: ignore[method-assign]
    outcome = deliver()

    # Then
    assert outcome is Outcome.DUPLICATE
    assert len(mailer.sent) == 1


def test_a_sender_that_lost_its_claim_does_not_overwrite_the_others_word(
    notifications: FakeNotifications, deliver: Deliver, mailer: Any, frozen_clock: Any
) -> None:
    # Given a delivery that takes longer than its claim holds
    send = mailer.send

    def send_late(recipient: str, message: Any) -> str:
        mailer.send = send
        frozen_clock.advance(minutes=1)
        deliver()
        raise NotificationUnavailable("throttled")

    mailer.send = send_late

    # When
    with pytest.raises(StorageContention):
        deliver()

    # Then
    assert statuses(notifications) == ["SENT"]
