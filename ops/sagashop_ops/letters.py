"""What a dead letter says. The store's dead-letter queues receive four kinds of them.

- An event that its consumer failed to handle, moved by SQS; or that EventBridge could not deliver,
  with the error in the message's attributes. Either way the body is the event.
- A failed asynchronous invocation, in the envelope of Lambda's destinations.
  https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
- A batch of a table's stream that the relay failed to publish: the shard and the sequence numbers
  of its records, not the records themselves.
  https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html

`read_letter` is pure: a message of SQS in, a Letter out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Event:
    """An event as EventBridge delivers it; `envelope` is the whole of it."""

    envelope: Mapping[str, Any]

    def __str__(self) -> str:
        detail_type = str(self.envelope.get("detail-type", "an event"))
        data = (self.envelope.get("detail") or {}).get("data") or {}
        return f"{detail_type} of {data['order_id']}" if "order_id" in data else detail_type


@dataclass(frozen=True)
class Invocation:
    """A call of a function; `function` is its physical name."""

    function: str
    payload: Any


@dataclass(frozen=True)
class StreamBatch:
    """Records of one shard of a table's stream, the first and the last included."""

    stream_arn: str
    shard_id: str
    first: str
    last: str
    size: int

    @property
    def table(self) -> str:
        """The table whose stream it is."""
        return self.stream_arn.split("/")[1]


@dataclass(frozen=True)
class Unreadable:
    """A message that is none of these, sent here by hand."""


type Content = Event | Invocation | StreamBatch | Unreadable


@dataclass(frozen=True)
class Letter:
    """A dead letter: its content, why it failed, and the handle by which SQS deletes it."""

    message_id: str
    receipt_handle: str
    sent_at: datetime
    content: Content
    why: str
    body: str

    @property
    def subject(self) -> str:
        """A few words: an event of an order, a call, or a batch of a stream."""
        match self.content:
            case Event() as event:
                return str(event)
            case Invocation(function, payload):
                about = Event(payload) if isinstance(payload, Mapping) else self.body[:60]
                return f"{function} <- {about}"
            case StreamBatch() as batch:
                records = "1 record" if batch.size == 1 else f"{batch.size} records"
                return f"{records} of {batch.table}'s stream"
            case Unreadable():
                return f"unreadable: {self.body[:60]!r}"


def read_letter(message: Mapping[str, Any]) -> Letter:
    """Reads a message as `receive_message` returned it, all its attributes included."""
    attributes: Mapping[str, str] = message.get("Attributes", {})
    content, why = _read_body(message)
    return Letter(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        sent_at=datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC),
        content=content,
        why=why,
        body=message["Body"],
    )


def _read_body(message: Mapping[str, Any]) -> tuple[Content, str]:
    try:
        body = json.loads(message["Body"])
    except ValueError:
        return Unreadable(), "it is not JSON"
    match body:
        case {"DDBStreamBatchInfo": batch}:
            content = StreamBatch(
                stream_arn=batch["streamArn"],
                shard_id=batch["shardId"],
                first=batch["startSequenceNumber"],
                last=batch["endSequenceNumber"],
                size=batch["batchSize"],
            )
            return content, _why_invocation(body)
        case {"requestContext": context, "requestPayload": payload}:
            # The ARN is arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER.
            function = context["functionArn"].split(":")[6]
            return Invocation(function, payload), _why_invocation(body)
        case {"source": "aws.events", "resources": [rule, *_]}:
            # A schedule has the name of the function that it could not call.
            return Invocation(rule.rpartition("/")[2], body), _why_undelivered(message)
        case {"detail-type": _, "detail": _}:
            return Event(body), _why_undelivered(message)
    return Unreadable(), "it is neither an event nor a failed call"


def _why_invocation(envelope: Mapping[str, Any]) -> str:
    """Returns the function's error where there was one, else Lambda's condition."""
    context = envelope.get("requestContext") or {}
    condition = context.get("condition", "not handled")
    times = context.get("approximateInvokeCount")
    reason = f"{condition} after {times} calls" if times else str(condition)
    match envelope.get("responsePayload"):
        case {"errorType": error, "errorMessage": text}:
            return f"{error}: {text} ({reason})"
        case {"errorMessage": text}:
            return f"{text} ({reason})"
    error = (envelope.get("responseContext") or {}).get("functionError")
    return f"{reason}: {error}" if error else reason


def _why_undelivered(message: Mapping[str, Any]) -> str:
    attributes = message.get("MessageAttributes", {})
    if "ERROR_CODE" in attributes:
        code = attributes["ERROR_CODE"]["StringValue"]
        text = attributes.get("ERROR_MESSAGE", {}).get("StringValue", "")
        return f"EventBridge could not deliver it: {code} {text}".rstrip()
    return "its consumer failed at every delivery"
