"""Dead letters: counts, shows, redrives and drops the messages that could not be processed.

A letter is deleted only after it was processed, or after an operator gave a reason to drop it; then
the record keeps its text. So nothing is lost. A letter that fails again stays.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from botocore.exceptions import ClientError

from sagashop_ops.aws import Deployment, call_function
from sagashop_ops.errors import OperationRefused, UnknownLetter
from sagashop_ops.journal import Journal
from sagashop_ops.letters import Event, Invocation, Letter, StreamBatch, read_letter
from sagashop_ops.queues import ROUTES, DeadLetterQueue, dead_letter_queues
from sagashop_ops.streams import read_batch

# How long a received letter is hidden from others: longer than a function may run, and short enough
# for a second try after this command was killed.
HOLD_SECONDS = 120
BATCH = 10  # the most that SQS returns
MOST_TEXT = 300_000  # a row holds 400 kB; this leaves room for the rest
EVERYTHING = "all"


@dataclass(frozen=True)
class Depth:
    """How many letters a queue holds, and the age of the oldest; None where it is empty.

    `tables` counts the letters of a relay by the table whose stream they are about.
    """

    queue: DeadLetterQueue
    letters: int
    oldest: timedelta | None
    tables: Mapping[str, int]


@dataclass(frozen=True)
class Attempt:
    """The result of one letter's redrive: `error` is None where it succeeded."""

    letter: Letter
    error: str | None


class _Held:
    """The letters that this command has received; those that it doesn't delete go back."""

    def __init__(self, deployment: Deployment, queue: DeadLetterQueue) -> None:
        self._sqs = deployment.client("sqs")
        self._queue = queue
        self._open: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._open.values():
            self._sqs.change_message_visibility(
                QueueUrl=self._queue.url, ReceiptHandle=handle, VisibilityTimeout=0
            )

    def take(self) -> Iterator[Letter]:
        """Yields each letter that was there when we began, once."""
        begun = datetime.now(UTC)
        seen: set[str] = set()
        while messages := self._sqs.receive_message(
            QueueUrl=self._queue.url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HOLD_SECONDS,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages"):
            for message in messages:
                letter = read_letter(message)
                self._open[letter.message_id] = letter.receipt_handle
                # Letters that arrive meanwhile, or return, are left for the next command.
                if letter.message_id not in seen and letter.sent_at <= begun:
                    seen.add(letter.message_id)
                    yield letter

    def delete(self, letter: Letter) -> None:
        """Deletes a letter for good."""
        self._sqs.delete_message(
            QueueUrl=self._queue.url, ReceiptHandle=self._open.pop(letter.message_id)
        )

    def choose(self, message_id: str) -> Iterator[Letter]:
        """Yields one letter, or `EVERYTHING`; raises UnknownLetter where there is no such one."""
        found = False
        for letter in self.take():
            if message_id in (EVERYTHING, letter.message_id):
                found = True
                yield letter
        if not found and message_id != EVERYTHING:
            raise UnknownLetter(message_id, self._queue.name)


def depths(deployment: Deployment) -> list[Depth]:
    """Returns every queue with what it holds."""
    now = datetime.now(UTC)
    found = []
    for queue in dead_letter_queues(deployment):
        total = count(deployment, queue)
        letters = read(deployment, queue)
        oldest = now - letters[0].sent_at if letters else None
        batches = [letter.content for letter in letters if isinstance(letter.content, StreamBatch)]
        tables = Counter(batch.table for batch in batches)
        found.append(Depth(queue, total, oldest, tables))
    return found


def count(deployment: Deployment, queue: DeadLetterQueue) -> int:
    """Returns how many letters a queue holds, those included that another command has received."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    attributes = deployment.client("sqs").get_queue_attributes(
        QueueUrl=queue.url, AttributeNames=list(names)
    )["Attributes"]
    return sum(int(attributes[name]) for name in names)


def read(deployment: Deployment, queue: DeadLetterQueue) -> list[Letter]:
    """Returns a queue's letters, the oldest first; they stay there."""
    with _Held(deployment, queue) as held:
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
    """Processes each letter again, and deletes the letter where that worked.

    `message_id` is one letter's, or `EVERYTHING`. Yields the result of each. Raises UnknownLetter
    where there is no such letter.
    """
    with (
        journal.record("redrive dead letters", queue.name, reason, letters=message_id) as outcome,
        _Held(deployment, queue) as held,
    ):
        redriven: list[str] = []
        left: list[str] = []
        for letter in held.choose(message_id):
            error = None
            try:
                _send_back(deployment, queue, letter)
            except (OperationRefused, ClientError) as exc:
                error = str(exc)
                left.append(letter.message_id)
            else:
                held.delete(letter)
                redriven.append(letter.message_id)
            # Noted as we go, so that the record of an interrupted redrive is right.
            outcome.update(redriven=redriven[:100], left=left[:100])
            yield Attempt(letter, error)


def drop(
    deployment: Deployment, journal: Journal, queue: DeadLetterQueue, reason: str, message_id: str
) -> Iterator[Letter]:
    """Deletes one letter or `EVERYTHING`; the record keeps the text of each. Yields them.

    Raises UnknownLetter where there is no such letter.
    """
    with _Held(deployment, queue) as held:
        for letter in held.choose(message_id):
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


def _send_back(deployment: Deployment, queue: DeadLetterQueue, letter: Letter) -> None:
    """Has a letter processed again; raises OperationRefused or ClientError where that fails."""
    route = ROUTES.get(queue.name)
    function = route if route in deployment.functions else None
    match letter.content:
        case StreamBatch() as batch if function:
            records = read_batch(deployment.client("dynamodbstreams"), batch)
            answer = call_function(deployment, function, {"Records": records})
            if answer["batchItemFailures"]:
                raise OperationRefused("NOT_PUBLISHED", f"{function} could not publish all of it.")
        case Event(payload) if function:
            call_function(deployment, function, payload)
        case Event() if route:
            deployment.client("sqs").send_message(
                QueueUrl=deployment.resources[route], MessageBody=letter.body
            )
        case Invocation(called, payload):
            call_function(deployment, function or called, payload)
        case _:
            raise OperationRefused(
                "UNREADABLE", f"No redrive is known for this letter: {letter.why}."
            )
