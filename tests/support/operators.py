"""A store as an operator's commands see it, in memory: queues, functions, a journal."""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sagashop_ops.aws import Deployment
from sagashop_ops.journal import Journal
from sagashop_ops.stack import Stack

type Json = dict[str, Any]

STREAM_ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/shop-order/stream/2026-03-01T00:00"


def a_stack(**changes: Any) -> Stack:
    """Returns what a local store's stack.json would say, as far as a test gives it."""
    fields: dict[str, Any] = {
        "endpoint_url": "http://127.0.0.1:4566",
        "region": "us-east-1",
        "stack_name": "sagashop",
        "api_url": "",
        "storefront_url": "",
        "websocket_url": "ws://localhost:4566/_aws/ws/def/live",
        "event_bus_name": "",
        "state_machine_arn": "",
        "tables": {},
        "dead_letter_queues": {},
        "log_file": "engine.log",
    }
    return Stack(**fields | changes)


@dataclass
class FakeSqs:
    """Queues whose messages hide from others while somebody holds them, as SQS's do."""

    queues: dict[str, dict[str, Json]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    sent: int = 0

    def given_a_message(self, url: str, body: Any, **attributes: str) -> str:
        """Puts a message in a queue, EventBridge's error attributes with it; returns its id."""
        queue = self.queues.setdefault(url, {})
        self.sent += 1
        message_id = f"message-{self.sent}"
        queue[message_id] = {
            "MessageId": message_id,
            "Body": body if isinstance(body, str) else json.dumps(body),
            "Attributes": {"SentTimestamp": str(int(time.time() * 1000) - 1000 + len(queue))},
            "MessageAttributes": {name: {"StringValue": v} for name, v in attributes.items()},
        }
        return message_id

    def bodies(self, url: str) -> list[str]:
        """Returns what is in a queue, held or not."""
        return [message["Body"] for message in self.queues.get(url, {}).values()]

    def receive_message(self, **request: Any) -> Json:
        free = [m for m in self.queues.get(request["QueueUrl"], {}).values() if not self._held(m)]
        taken = free[: request["MaxNumberOfMessages"]]
        self.held |= {message["MessageId"] for message in taken}
        return {"Messages": [m | {"ReceiptHandle": m["MessageId"]} for m in taken]}

    def delete_message(self, **request: Any) -> None:
        del self.queues[request["QueueUrl"]][request["ReceiptHandle"]]

    def change_message_visibility(self, **request: Any) -> None:
        assert request["VisibilityTimeout"] == 0
        self.held.remove(request["ReceiptHandle"])

    def send_message(self, **request: Any) -> None:
        self.given_a_message(request["QueueUrl"], request["MessageBody"])

    def get_queue_attributes(self, **request: Any) -> Json:
        messages = self.queues.get(request["QueueUrl"], {}).values()
        held = sum(map(self._held, messages))
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(len(messages) - held),
                "ApproximateNumberOfMessagesNotVisible": str(held),
            }
        }

    def _held(self, message: Json) -> bool:
        return message["MessageId"] in self.held


@dataclass
class FakeLambda:
    """Functions that remember their calls, and answer or fail as they are told."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def invoke(self, FunctionName: str, Payload: bytes) -> Json:  # noqa: N803 - botocore's names
        self.calls.append((FunctionName, json.loads(Payload)))
        if FunctionName in self.errors:
            error = {"errorType": self.errors[FunctionName], "errorMessage": "as told"}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        answer = self.answers.get(FunctionName)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@dataclass
class FakeJournal:
    """A journal on paper: `(action, target, reason, status, details)` of each operation."""

    operator: str = "ada"
    entries: list[tuple[str, str, str, str, Json]] = field(default_factory=list)
    open: int = 0

    @contextmanager
    def record(self, action: str, target: str, reason: str, **details: Any) -> Iterator[Json]:
        status = "FAILED"
        self.open += 1
        try:
            yield details
            status = "DONE"
        finally:
            self.open -= 1
            self.entries.append((action, target, reason, status, details))

    @property
    def as_journal(self) -> Journal:
        return cast(Journal, self)


@dataclass
class FakeStore:
    """A deployed store without an engine; other clients are put into `clients`."""

    sqs: FakeSqs = field(default_factory=FakeSqs)
    functions: FakeLambda = field(default_factory=FakeLambda)
    clients: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def deployment(self) -> Deployment:
        clients: Mapping[str, Any] = {"sqs": self.sqs, "lambda": self.functions} | self.clients
        client: Callable[[str], Any] = clients.__getitem__
        names = ("StartSaga", "Relay", "SweepOrders")
        rules = ("OrderPlacedRule", "ServiceEventRule", "NotificationRule")
        return Deployment(
            stack=a_stack(
                stack_name="shop",
                api_url="http://127.0.0.1:4566/api",
                storefront_url="http://shop/",
                event_bus_name="shop-events",
                state_machine_arn="arn:aws:states:us-east-1:000000000000:stateMachine:shop-saga",
                tables={"order": "shop-order", "operations": "shop-operations"},
                dead_letter_queues={
                    name: f"{name}-dead" for name in ("StartSaga", "Notification", "Relay")
                },
            ),
            client=client,
            outputs=self.outputs,
            resources={
                "NotificationQueue": "notifications",
                **{f"{name}Function": f"shop-{name}" for name in names},
                **{rule: f"shop-events|shop-{rule}" for rule in rules},
            },
        )


def an_event(detail_type: str = "OrderPlaced", order_id: str = "ord_1") -> Json:
    """An event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": "evt_1",
        "source": "sagashop.order",
        "detail-type": detail_type,
        "resources": [],
        "detail": {"metadata": {"event_id": "evt_1"}, "data": {"order_id": order_id}},
    }


def a_failed_call(payload: Any, function: str = "shop-StartSaga") -> Json:
    """What Lambda says of an asynchronous invocation that it gave up."""
    return {
        "version": "1.0",
        "requestContext": {
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responsePayload": {"errorType": "SagaNotStarted", "errorMessage": "no engine"},
    }


def a_failed_batch(first: str = "1", last: str = "3") -> Json:
    """What Lambda says of a stretch of a stream that it gave up."""
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 11},
        "responseContext": {"functionError": "Unhandled"},
        "DDBStreamBatchInfo": {
            "streamArn": STREAM_ARN,
            "shardId": "shard-1",
            "startSequenceNumber": first,
            "endSequenceNumber": last,
            "batchSize": 2,
        },
    }
