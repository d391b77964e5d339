"""Dead letters are redriven or dropped, on the record, and never lost."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sagashop_ops import dead_letters
from sagashop_ops.errors import UnknownLetter, UnknownName
from sagashop_ops.queues import ROUTES, find_queue
from support.operators import (
    FakeJournal,
    FakeStore,
    a_failed_batch,
    a_failed_call,
    an_event,
)
from support.template import template

WHY = "the mail server is back"


class FakeStream:
    """A shard with three records; the second is no event."""

    def get_shard_iterator(self, **request: Any) -> dict[str, str]:
        assert request["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
        return {"ShardIterator": request["SequenceNumber"]}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        numbers = [number for number in (1, 2, 3, 4) if number >= int(ShardIterator)][:2]
        return {
            "Records": [self._record(number) for number in numbers],
            "NextShardIterator": str(int(ShardIterator) + 2),
        }

    def _record(self, number: int) -> dict[str, Any]:
        event = {"detail_type": {"S": "OrderPlaced"}} if number != 2 else {}
        return {
            "eventID": f"e{number}",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": datetime(2026, 3, 1, tzinfo=UTC),
                "SequenceNumber": f"{number:05d}",
                "NewImage": {"pk": {"S": f"ORDER#ord_{number}"}} | event,
            },
        }


@pytest.fixture
def shop() -> FakeStore:
    return FakeStore(clients={"dynamodbstreams": FakeStream()})


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


def redrive(
    shop: FakeStore, journal: FakeJournal, queue: str, why: str = WHY, message_id: str = "all"
) -> list[str | None]:
    """Redrives a queue; returns the error of each letter."""
    deployment = shop.deployment
    return [
        attempt.error
        for attempt in dead_letters.redrive(
            deployment, journal.as_journal, find_queue(deployment, queue), why, message_id
        )
    ]


def drop(shop: FakeStore, journal: FakeJournal, message_id: str, why: str = WHY) -> int:
    deployment = shop.deployment
    queue = find_queue(deployment, "Notification")
    return len(list(dead_letters.drop(deployment, journal.as_journal, queue, why, message_id)))


def test_every_dead_letter_queue_of_the_template_has_a_way_back() -> None:
    suffix = "DeadLetterQueueUrl"
    outputs = template()["Outputs"]

    assert ROUTES.keys() == {name.removesuffix(suffix) for name in outputs if name.endswith(suffix)}


def test_a_consumers_letters_go_back_into_its_queue(shop: FakeStore, journal: FakeJournal) -> None:
    for number in range(25):
        shop.sqs.given_a_message("Notification-dead", an_event(order_id=f"ord_{number}"))
    was = shop.sqs.bodies("Notification-dead")

    assert redrive(shop, journal, "notification") == [None] * 25

    assert shop.sqs.bodies("notifications") == was
    assert shop.sqs.bodies("Notification-dead") == []


def test_an_event_is_handed_to_the_function_that_failed_on_it(
    shop: FakeStore, journal: FakeJournal
) -> None:
    shop.sqs.given_a_message("StartSaga-dead", a_failed_call(an_event()))
    shop.sqs.given_a_message("StartSaga-dead", an_event(), ERROR_CODE="SDK_CLIENT_ERROR")

    redrive(shop, journal, "StartSaga")

    assert shop.functions.calls == [("shop-StartSaga", an_event())] * 2
    assert shop.sqs.bodies("StartSaga-dead") == []


def test_a_letter_that_fails_again_stays_and_can_be_seen_at_once(
    shop: FakeStore, journal: FakeJournal
) -> None:
    message_id = shop.sqs.given_a_message("StartSaga-dead", a_failed_call(an_event()))
    shop.functions.errors["shop-StartSaga"] = "SagaNotStarted"

    (error,) = redrive(shop, journal, "StartSaga")

    assert error == "StartSaga failed: as told (SagaNotStarted)"
    assert len(shop.sqs.bodies("StartSaga-dead")) == 1
    assert not shop.sqs.held
    assert journal.entries[0][4]["left"] == [message_id]


def test_a_relays_letter_has_its_records_read_again(shop: FakeStore, journal: FakeJournal) -> None:
    shop.sqs.given_a_message("Relay-dead", a_failed_batch("1", "3"))
    shop.functions.answers["shop-Relay"] = {"batchItemFailures": []}

    assert redrive(shop, journal, "Relay") == [None]

    ((function, payload),) = shop.functions.calls
    assert function == "shop-Relay"
    numbers = [record["dynamodb"]["SequenceNumber"] for record in payload["Records"]]
    assert numbers == ["00001", "00002", "00003"]
    assert payload["Records"][0]["dynamodb"]["ApproximateCreationDateTime"] == 1772323200.0


def test_records_that_are_not_published_keep_their_letter(
    shop: FakeStore, journal: FakeJournal
) -> None:
    shop.sqs.given_a_message("Relay-dead", a_failed_batch())
    shop.functions.answers["shop-Relay"] = {"batchItemFailures": [{"itemIdentifier": "2"}]}

    (error,) = redrive(shop, journal, "Relay")

    assert error is not None
    assert "could not publish" in error
    assert len(shop.sqs.bodies("Relay-dead")) == 1


def test_records_that_the_stream_forgot_keep_their_letter(
    shop: FakeStore, journal: FakeJournal
) -> None:
    shop.sqs.given_a_message("Relay-dead", a_failed_batch("0", "3"))

    (error,) = redrive(shop, journal, "Relay")

    assert error is not None
    assert "`sagashop replay`" in error
    assert not shop.functions.calls
    assert len(shop.sqs.bodies("Relay-dead")) == 1


def test_reading_shows_a_batchs_events_and_leaves_everything(shop: FakeStore) -> None:
    shop.sqs.given_a_message("Relay-dead", a_failed_batch())
    deployment = shop.deployment

    (letter,) = dead_letters.read(deployment, find_queue(deployment, "Relay"))

    assert dead_letters.contents(deployment, letter) == [
        "OrderPlaced of ord_1",
        "OrderPlaced of ord_3",
    ]
    assert not shop.sqs.held


def test_what_nobody_can_read_stays(shop: FakeStore, journal: FakeJournal) -> None:
    shop.sqs.given_a_message("Notification-dead", "hello")

    (error,) = redrive(shop, journal, "Notification")

    assert error == "No redrive is known for this letter: it is not JSON. (UNREADABLE)"
    assert shop.sqs.bodies("Notification-dead") == ["hello"]


def test_one_letter_alone_is_redriven(shop: FakeStore, journal: FakeJournal) -> None:
    shop.sqs.given_a_message("Notification-dead", an_event(order_id="ord_1"))
    second = shop.sqs.given_a_message("Notification-dead", an_event(order_id="ord_2"))

    assert redrive(shop, journal, "Notification", message_id=second) == [None]

    assert '"ord_2"' in shop.sqs.bodies("notifications")[0]
    assert '"ord_1"' in shop.sqs.bodies("Notification-dead")[0]
    assert not shop.sqs.held & shop.sqs.queues["Notification-dead"].keys()


def test_a_redrive_is_recorded_with_who_and_why(shop: FakeStore, journal: FakeJournal) -> None:
    message_id = shop.sqs.given_a_message("Notification-dead", an_event())

    redrive(shop, journal, "Notification")

    details = {"letters": "all", "redriven": [message_id], "left": []}
    assert journal.entries == [("redrive dead letters", "Notification", WHY, "DONE", details)]


def test_a_dropped_letter_lives_on_in_the_record(shop: FakeStore, journal: FakeJournal) -> None:
    message_id = shop.sqs.given_a_message("Notification-dead", "hello")
    shop.sqs.given_a_message("Notification-dead", "stays")

    assert drop(shop, journal, message_id) == 1

    assert shop.sqs.bodies("Notification-dead") == ["stays"]
    ((action, target, why, status, details),) = journal.entries
    assert (action, target) == ("drop dead letter", f"Notification {message_id}")
    assert (why, status, details["body"]) == (WHY, "DONE", "hello")


def test_all_letters_are_dropped_together(shop: FakeStore, journal: FakeJournal) -> None:
    for _ in range(11):
        shop.sqs.given_a_message("Notification-dead", "hello")

    assert drop(shop, journal, "all") == 11
    assert len(journal.entries) == 11


@pytest.mark.parametrize("message_id", ["nobody", ""])
def test_an_unknown_letter_is_told_and_nothing_happens(
    message_id: str, shop: FakeStore, journal: FakeJournal
) -> None:
    shop.sqs.given_a_message("Notification-dead", "hello")

    with pytest.raises(UnknownLetter):
        drop(shop, journal, message_id)

    assert shop.sqs.bodies("Notification-dead") == ["hello"]
    assert not shop.sqs.held


def test_an_unknown_queue_is_told_with_those_that_exist(
    shop: FakeStore, journal: FakeJournal
) -> None:
    with pytest.raises(UnknownName, match="There are: Notification, Relay, StartSaga"):
        redrive(shop, journal, "Mail")


def test_every_queue_is_listed_with_its_depth_and_age(shop: FakeStore) -> None:
    shop.sqs.given_a_message("Notification-dead", "hello")

    depths = {depth.queue.name: depth for depth in dead_letters.depths(shop.deployment)}

    assert {name: depth.letters for name, depth in depths.items()} == {
        "Notification": 1,
        "Relay": 0,
        "StartSaga": 0,
    }
    oldest = depths["Notification"].oldest
    assert oldest is not None
    assert 0 < oldest.total_seconds() < 60
    assert depths["StartSaga"].oldest is None


def test_a_relays_letters_are_counted_by_the_table_that_they_are_about(shop: FakeStore) -> None:
    for _ in range(2):
        shop.sqs.given_a_message("Relay-dead", a_failed_batch())

    depths = {depth.queue.name: depth for depth in dead_letters.depths(shop.deployment)}

    assert depths["Relay"].tables == {"shop-order": 2}
    assert not depths["StartSaga"].tables
