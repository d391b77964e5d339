"""Dead letters: counts, shows, redrives and drops what nobody could handle.

A letter is deleted only after what it asked for has happened, or an operator gave a reason to drop
it, and then the record keeps its text: nothing is ever lost. One that fails again stays.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from sagashop_cli.aws import Deployment
from sagashop_cli.errors import OperationRefused, ReasonMissing, UnknownLetter
from sagashop_cli.operations.functions import call_function
from sagashop_cli.operations.journal import Journal
from sagashop_cli.operations.letters import Event, Invocation, Letter, StreamBatch, read_letter
from sagashop_cli.operations.queues import (
    DeadLetterQueue,
    ToFunction,
    ToQueue,
    ToRelay,
    dead_letter_queues,
)
from sagashop_cli.operations.streams import read_batch

# How long a letter is ours once taken: longer than a function may run, and short enough for the
# next look where we are killed.
HOLD_SECONDS = 120
BATCH = 10  # SQS's most
# A row holds 400 kB; SQS's longest message is kept whole up to here.
MOST_TEXT = 300_000
EVERYTHING = "all"


@dataclass(frozen=True)
class Depth:
    """How many letters a queue holds, and how old the oldest is; None where it is empty."""

    queue: DeadLetterQueue
    letters: int
    oldest: timedelta | None


@dataclass(frozen=True)
class Attempt:
    """What came of one letter's redrive: `error` is None where it succeeded."""

    letter: Letter
    error: str | None


class _Held:
    """The letters of one queue that this command has taken; those it doesn't delete go back."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self._open: dict[str, str] = {}

    def take(self) -> Iterator[Letter]:
        """Yields each letter that was there when we began, once."""
        begun = datetime.now(UTC)
        seen: set[str] = set()
        while messages := self._receive():
            for message in messages:
                letter = read_letter(message)
                self._open[letter.message_id] = letter.receipt_handle
                # What comes in while we work, or comes again, is for the next time.
                if letter.message_id not in seen and letter.sent_at <= begun:
                    seen.add(letter.message_id)
                    yield letter

    def delete(self, letter: Letter) -> None:
        """Deletes a letter for good."""
        self._sqs.delete_message(
            QueueUrl=self._url, ReceiptHandle=self._open.pop(letter.message_id)
        )

    def put_back(self) -> None:
        """Lets others see at once what is left."""
        for handle in self._open.values():
            self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=handle, VisibilityTimeout=0
            )

    def _receive(self) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HOLD_SECONDS,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages


@contextmanager
def _held(deployment: Deployment, queue: DeadLetterQueue) -> Iterator[_Held]:
    held = _Held(deployment.client("sqs"), queue.url)
    try:
        yield held
    finally:
        held.put_back()


def depths(deployment: Deployment) -> list[Depth]:
    """Returns every queue with what it holds."""
    now = datetime.now(UTC)
    found = []
    for queue in dead_letter_queues(deployment):
        letters = count(deployment, queue)
        oldest = min((letter.sent_at for letter in read(deployment, queue)), default=None)
        found.append(Depth(queue, letters, now - oldest if oldest else None))
    return found


def count(deployment: Deployment, queue: DeadLetterQueue) -> int:
    """Returns how many letters a queue holds, those included that another command has taken."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    attributes = deployment.client("sqs").get_queue_attributes(
        QueueUrl=queue.url, AttributeNames=list(names)
    )["Attributes"]
    return sum(int(attributes[name]) for name in names)


def read(deployment: Deployment, queue: DeadLetterQueue) -> list[Letter]:
    """Returns a queue's letters, the oldest first; they stay there."""
    with _held(deployment, queue) as held:
        return sorted(held.take(), key=lambda letter: letter.sent_at)


def contents(deployment: Deployment, letter: Letter) -> list[str]:
    """Returns what is in a letter beyond its subject: a stream batch's events, by their types."""
    if not isinstance(letter.content, StreamBatch):
        return []
    try:
        records = read_batch(deployment.client("dynamodbstreams"), letter.content)
    except OperationRefused as gone:
        return [str(gone)]
    images = [record["dynamodb"].get("NewImage", {}) for record in records]
    return [
        f"{image['detail_type']['S']} of {image['pk']['S'].partition('#')[2]}"
        for image in images
        if "detail_type" in image
    ]


def redrive(
    deployment: Deployment, journal: Journal, queue: DeadLetterQueue, reason: str, message_id: str
) -> Iterator[Attempt]:
    """Does again what each letter asks for, and deletes the letter where that worked.

    `message_id` is one letter's, or `EVERYTHING`. Yields what came of each. Raises ReasonMissing,
    and UnknownLetter where there is no such letter.
    """
    if not reason:
        raise ReasonMissing("redrive these dead letters")
    with (
        journal.record("redrive dead letters", queue.name, reason, letters=message_id) as outcome,
        _held(deployment, queue) as held,
    ):
        redriven: list[str] = []
        left: list[str] = []
        for letter in _chosen(held, queue, message_id):
            error = _try(deployment, queue, letter)
            if error is None:
                held.delete(letter)
            (redriven if error is None else left).append(letter.message_id)
            # Noted as we go: what is interrupted still says how far it came.
            outcome.note(redriven=redriven[:100], left=left[:100])
            yield Attempt(letter, error)


def drop(
    deployment: Deployment, journal: Journal, queue: DeadLetterQueue, reason: str, message_id: str
) -> Iterator[Letter]:
    """Deletes one letter or `EVERYTHING`; the record keeps the text of each. Yields them.

    Raises ReasonMissing, and UnknownLetter where there is no such letter.
    """
    if not reason:
        raise ReasonMissing("drop these dead letters")
    if not message_id:
        raise UnknownLetter(message_id, queue.name)
    with _held(deployment, queue) as held:
        for letter in _chosen(held, queue, message_id):
            with journal.record(
                "drop dead letter",
                f"{queue.name} {letter.message_id}",
                reason,
                subject=letter.subject,
                why=letter.why,
                body=letter.body[:MOST_TEXT],
            ):
                held.delete(letter)
            yield letter


def _chosen(held: _Held, queue: DeadLetterQueue, message_id: str) -> Iterator[Letter]:
    found = False
    for letter in held.take():
        if message_id in (EVERYTHING, letter.message_id):
            found = True
            yield letter
    if not found and message_id != EVERYTHING:
        raise UnknownLetter(message_id, queue.name)


def _try(deployment: Deployment, queue: DeadLetterQueue, letter: Letter) -> str | None:
    """Sends a letter its way back; returns the error where that failed."""
    try:
        _send_back(deployment, queue, letter)
    except (OperationRefused, ClientError) as exc:
        return str(exc)
    return None


def _send_back(deployment: Deployment, queue: DeadLetterQueue, letter: Letter) -> None:
    match queue.route, letter.content:
        case ToQueue(logical_id), Event():
            deployment.client("sqs").send_message(
                QueueUrl=deployment.resources[logical_id], MessageBody=letter.body
            )
        case ToFunction(str(function)), Event(envelope):
            call_function(deployment, function, envelope)
        case ToFunction(str(function)), Invocation(_, payload):
            call_function(deployment, function, payload)
        case ToFunction(None), Invocation(str(function), payload):
            call_function(deployment, function, payload)
        case ToRelay(function), StreamBatch() as batch:
            records = read_batch(deployment.client("dynamodbstreams"), batch)
            answer = call_function(deployment, function, {"Records": records})
            if answer["batchItemFailures"]:
                raise OperationRefused("NOT_PUBLISHED", f"{function} could not publish all of it.")
        case _:
            raise OperationRefused("UNREADABLE", f"No way back is known for this: {letter.why}.")
