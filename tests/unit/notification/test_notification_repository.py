"""The notifications' table: of several deliveries of an event, one holds the claim."""

from dataclasses import replace
from datetime import timedelta

import pytest

from builders import ORDER_ID, PLACED_AT
from notification import domain
from notification.domain import Notification, NotificationStatus, Sighting
from notification.repository import NotificationTable
from shared import dynamodb
from shared.errors import StorageContention
from unit.notification.fakes import FakeNotifications

type Notifications = NotificationTable | FakeNotifications

CLAIM = Notification("evt_1", "OrderPlaced", ORDER_ID, "Subject", PLACED_AT, to="ada@example.com")
LATER = replace(CLAIM, claimed_at=PLACED_AT + domain.CLAIM)
SENT = replace(CLAIM, status=NotificationStatus.SENT, message_id="message-1", sent_at=PLACED_AT)
FAILED = replace(CLAIM, status=NotificationStatus.FAILED)


@pytest.fixture(params=["table", "fake"])
def notifications(request: pytest.FixtureRequest) -> Notifications:
    """The table, and the fake that stands in for it in the service's other tests."""
    if request.param == "fake":
        return FakeNotifications()
    return NotificationTable(dynamodb.client(), request.getfixturevalue("notification_table"))


def test_a_row_holds_all_of_a_notification(notification_table: str) -> None:
    # Given
    notifications = NotificationTable(dynamodb.client(), notification_table)
    notifications.claim(CLAIM)

    # When
    notifications.finish(replace(SENT, sent_at=PLACED_AT + timedelta(seconds=1)))

    # Then
    (item,) = dynamodb.client().scan(TableName=notification_table)["Items"]
    assert dynamodb.from_item(item) == {
        "pk": "NOTIFICATION#evt_1",
        "sk": "NOTIFICATION",
        "event_id": "evt_1",
        "event_type": "OrderPlaced",
        "order_id": ORDER_ID,
        "status": "SENT",
        "subject": "Subject",
        "to": "ada@example.com",
        "claimed_at": "2026-03-01T09:30:00.000Z",
        "sent_at": "2026-03-01T09:30:01.000Z",
        "message_id": "message-1",
        "reason": None,
    }


def test_a_row_from_before_there_were_reasons_is_read(notification_table: str) -> None:
    # Given
    notifications = NotificationTable(dynamodb.client(), notification_table)
    notifications.claim(SENT)
    dynamodb.client().update_item(
        TableName=notification_table,
        Key=dynamodb.to_item({"pk": "NOTIFICATION#evt_1", "sk": "NOTIFICATION"}),
        UpdateExpression="REMOVE reason",
    )

    # Then
    assert notifications.claim(LATER) == SENT


def test_the_newest_event_of_each_order_is_remembered(notifications: Notifications) -> None:
    # Given
    placed, completed = Sighting("ord_1", 1, "OrderPlaced"), Sighting("ord_1", 4, "OrderCompleted")

    # Then
    assert notifications.note(placed) is None
    assert notifications.note(completed) is None
    assert notifications.note(completed) is None
    assert notifications.note(placed) == completed
    assert notifications.note(Sighting("ord_2", 1, "OrderPlaced")) is None


def test_the_first_claim_stands_until_it_expires(
    notifications: Notifications,
) -> None:
    # Given
    early = replace(CLAIM, claimed_at=LATER.claimed_at - timedelta(milliseconds=1))

    # Then
    assert notifications.claim(CLAIM) is None
    assert notifications.claim(early) == CLAIM
    assert notifications.claim(LATER) is None


@pytest.mark.parametrize(
    "finished",
    [SENT, replace(CLAIM, status=NotificationStatus.SKIPPED)],
    ids=lambda finished: finished.status,
)
def test_what_is_finished_is_never_claimed_again(
    notifications: Notifications, finished: Notification
) -> None:
    # Given
    notifications.claim(CLAIM)
    notifications.finish(finished)

    # Then
    assert notifications.claim(LATER) == finished


def test_what_failed_is_claimed_again_at_once(
    notifications: Notifications,
) -> None:
    # Given
    notifications.claim(CLAIM)
    notifications.finish(FAILED)

    # Then
    assert notifications.claim(replace(CLAIM, claimed_at=PLACED_AT + timedelta(seconds=1))) is None


def test_a_claim_that_went_to_another_delivery_is_not_finished(
    notifications: Notifications,
) -> None:
    # Given
    notifications.claim(CLAIM)
    notifications.claim(LATER)

    # Then
    with pytest.raises(StorageContention):
        notifications.finish(FAILED)


def test_a_notification_is_found_by_its_event(notifications: Notifications) -> None:
    # Given
    notifications.claim(CLAIM)

    # Then
    assert notifications.find("evt_1") == CLAIM
    assert notifications.find("evt_2") is None
