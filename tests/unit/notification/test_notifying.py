"""One event, one message: delivered twice, at once, after a failure, after a death, or too late."""

from collections.abc import Callable
from datetime import timedelta
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

DUE = {
    "order_id": ORDER_ID,
    "total_cents": 100,
    "currency": "USD",
    "due_at": "2026-03-01T09:45:00.125Z",
}
COMPLETED = {"order_id": ORDER_ID, "total_cents": 100, "currency": "USD"}
CANCELLED = {"order_id": ORDER_ID, "reason": {"code": "PAYMENT_DECLINED", "message": "Declined."}}

type Deliver = Callable[..., Outcome]


def only(notifications: FakeNotifications) -> Notification:
    (notification,) = notifications.standing.values()
    return notification


def statuses(notifications: FakeNotifications) -> list[str]:
    return [notification.status for notification in notifications.standing.values()]


@pytest.fixture
def deliver(
    notifications: FakeNotifications, customers: Any, mailer: Any, frozen_clock: Any
) -> Deliver:
    """Delivers an event, OrderPlaced unless told otherwise."""

    def deliver(
        event_type: str = "OrderPlaced",
        data: dict[str, Any] = PLACED,
        sequence: int | None = None,
    ) -> Outcome:
        metadata: dict[str, Any] = {"event_id": f"evt-{event_type}"}
        if sequence is not None:
            metadata["sequence"] = sequence
        return service.notify(
            PublishedEvent("sagashop.order", event_type, {"metadata": metadata, "data": data}),
            notifications,
            customers.find_customer,
            mailer,
            operator_email=OPERATOR,
            storefront_url="http://shop.example/",
            now=clock.now,
        ).outcome

    return deliver


def test_a_customers_message_opens_the_order_and_an_operators_does_not(
    deliver: Deliver, mailer: Any
) -> None:
    # When
    deliver()
    deliver("OrderNeedsAttention", PARKED)

    # Then
    (_, to_customer), (_, to_operator) = mailer.sent
    assert f"http://shop.example/#/orders/{ORDER_ID}?token=token-of-{ORDER_ID}" in to_customer.text
    assert "shop.example" not in to_operator.text


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
    assert outcomes == [Outcome.SKIPPED, Outcome.DUPLICATE]
    assert mailer.sent == []
    assert statuses(notifications) == ["SKIPPED"]
    assert only(notifications).reason == "the order has no known customer"


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


def test_a_stale_event_is_skipped_and_says_why(
    deliver: Deliver, mailer: Any, notifications: FakeNotifications
) -> None:
    # Given
    deliver("OrderCompleted", COMPLETED, sequence=4)

    # When
    outcomes = [deliver(sequence=1), deliver(sequence=1)]

    # Then
    assert outcomes == [Outcome.SKIPPED, Outcome.DUPLICATE]
    assert len(mailer.sent) == 1
    skipped = notifications.standing["evt-OrderPlaced"]
    assert skipped.status is NotificationStatus.SKIPPED
    assert skipped.reason == ("OrderCompleted (sequence 4) came before this event (sequence 1)")


def test_events_in_their_order_are_all_written_of(deliver: Deliver, mailer: Any) -> None:
    deliver(sequence=1)
    deliver("PaymentRequested", DUE, sequence=3)
    deliver("OrderCompleted", COMPLETED, sequence=6)

    assert [message.event_type for _, message in mailer.sent] == [
        "OrderPlaced",
        "PaymentRequested",
        "OrderCompleted",
    ]


@pytest.mark.parametrize(
    "event_type", ["OrderCancellationRequested", "OrderCancellationStarted", "OrderRedriven"]
)
def test_an_event_without_a_letter_makes_older_letters_stale(
    event_type: str, deliver: Deliver, mailer: Any
) -> None:
    # Given
    assert deliver(event_type, CANCELLED, sequence=2) is Outcome.NOT_NEWS

    # Then
    assert deliver(sequence=1) is Outcome.SKIPPED
    assert mailer.sent == []


def test_on_its_way_is_never_sent_after_a_cancellation(deliver: Deliver, mailer: Any) -> None:
    # Given
    deliver("OrderCancelled", CANCELLED, sequence=6)

    # When
    outcome = deliver("OrderCompleted", COMPLETED, sequence=4)

    # Then
    assert outcome is Outcome.SKIPPED
    assert [message.event_type for _, message in mailer.sent] == ["OrderCancelled"]


def test_on_its_way_is_not_sent_while_a_cancellation_waits_for_its_own_mail(
    deliver: Deliver, customers: Any, mailer: Any
) -> None:
    # Given a cancellation that came, and whose delivery failed before it claimed anything
    customers.failures.append(RuntimeError("no answer"))
    with pytest.raises(RuntimeError):
        deliver("OrderCancelled", CANCELLED, sequence=6)

    # Then
    assert deliver("OrderCompleted", COMPLETED, sequence=4) is Outcome.SKIPPED
    assert mailer.sent == []


def test_a_cancellation_that_comes_while_the_customer_is_looked_up_is_still_noticed(
    deliver: Deliver, customers: Any, mailer: Any
) -> None:
    # Given
    find = customers.find_customer

    def find_slowly(order_id: str) -> Any:
        customers.find_customer = find
        deliver("OrderCancelled", CANCELLED, sequence=6)
        return find(order_id)

    customers.find_customer = find_slowly

    # When
    outcome = deliver("OrderCompleted", COMPLETED, sequence=4)

    # Then
    assert outcome is Outcome.SKIPPED
    assert [message.event_type for _, message in mailer.sent] == ["OrderCancelled"]


def test_please_pay_is_never_sent_after_the_window_has_closed(
    deliver: Deliver, customers: Any, mailer: Any, notifications: FakeNotifications
) -> None:
    # Given an order that was paid, cancelled or expired meanwhile, which no event has told yet
    customers.payment_due_at = None

    # When
    outcome = deliver("PaymentRequested", DUE, sequence=3)

    # Then
    assert outcome is Outcome.SKIPPED
    assert mailer.sent == []
    assert only(notifications).reason == "no payment can be given any more"


def test_please_pay_is_not_sent_where_the_window_closes_while_the_message_waits(
    deliver: Deliver,
    customers: Any,
    mailer: Any,
    notifications: FakeNotifications,
    frozen_clock: Any,
) -> None:
    # Given a window that closes between the order service's answer and the claim
    customers.payment_due_at = clock.now() + timedelta(seconds=1)
    claim = notifications.claim

    def claim_slowly(notification: Any) -> Any:
        frozen_clock.advance(seconds=1)
        return claim(notification)

    notifications.claim = claim_slowly  # type: ignore[method-assign]

    # Then
    assert deliver("PaymentRequested", DUE, sequence=3) is Outcome.SKIPPED
    assert mailer.sent == []


def test_please_pay_from_before_there_were_sequences_is_judged_by_the_order_too(
    deliver: Deliver, customers: Any, mailer: Any
) -> None:
    customers.payment_due_at = None

    assert deliver("PaymentRequested", DUE) is Outcome.SKIPPED
    assert mailer.sent == []


def test_please_pay_is_sent_while_the_order_waits_although_its_saga_was_started_again(
    deliver: Deliver, mailer: Any
) -> None:
    # Given
    deliver("OrderRedriven", {"order_id": ORDER_ID}, sequence=4)

    # Then
    assert deliver("PaymentRequested", DUE, sequence=3) is Outcome.SENT


def test_a_message_that_failed_and_is_overtaken_is_skipped_at_its_next_delivery(
    deliver: Deliver, mailer: Any, notifications: FakeNotifications
) -> None:
    # Given
    mailer.failures.append(NotificationUnavailable("down"))
    with pytest.raises(NotificationUnavailable):
        deliver(sequence=1)
    deliver("OrderCompleted", COMPLETED, sequence=4)

    # When
    outcome = deliver(sequence=1)

    # Then
    assert outcome is Outcome.SKIPPED
    assert statuses(notifications) == ["SKIPPED", "SENT"]


def test_a_message_that_was_sent_stays_sent_when_its_event_comes_again_late(
    deliver: Deliver, notifications: FakeNotifications
) -> None:
    # Given
    deliver(sequence=1)
    deliver("OrderCompleted", COMPLETED, sequence=4)

    # When
    outcome = deliver(sequence=1)

    # Then
    assert outcome is Outcome.DUPLICATE
    assert statuses(notifications) == ["SENT", "SENT"]


def test_a_stale_event_leaves_the_claim_of_another_delivery_alone(
    deliver: Deliver, mailer: Any, notifications: FakeNotifications
) -> None:
    # Given a delivery that may be sending, and a newer event
    mailer.failures.append(TimeoutError())
    with pytest.raises(TimeoutError):
        deliver(sequence=1)
    deliver("OrderCompleted", COMPLETED, sequence=4)

    # When, Then
    with pytest.raises(AnotherDeliverySends):
        deliver(sequence=1)
    assert statuses(notifications) == ["SENDING", "SENT"]


@pytest.mark.parametrize("event_type", ["OrderRedriven", "OrderCancelled"])
def test_the_operator_is_not_called_to_an_order_that_has_moved_on(
    event_type: str, deliver: Deliver, mailer: Any
) -> None:
    # Given
    deliver(event_type, CANCELLED, sequence=8)

    # Then
    assert deliver("OrderNeedsAttention", PARKED, sequence=7) is Outcome.SKIPPED
    assert OPERATOR not in [recipient for recipient, _ in mailer.sent]


def test_an_event_from_before_there_were_sequences_is_neither_older_nor_newer(
    deliver: Deliver, mailer: Any
) -> None:
    # Given
    deliver("OrderCompleted", COMPLETED, sequence=4)

    # Then
    assert deliver() is Outcome.SENT
    assert deliver("OrderCancelled", CANCELLED, sequence=5) is Outcome.SENT
    assert len(mailer.sent) == 3
