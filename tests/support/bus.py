"""Listens to the store's event bus through a queue of the tests' own."""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from support import event_schemas
from support.waiting import eventually

type Json = dict[str, Any]


class BusListener:
    """A rule that sends what happens in the store to a queue, and what has been heard there.

    That is every event but OrderChanged, which tells nothing of its own. Whatever is heard has to
    be what its schema says.
    """

    def __init__(self, stack: Mapping[str, Any], aws: Callable[[str], Any]) -> None:
        self._events, self._sqs = aws("events"), aws("sqs")
        self._bus: str = stack["event_bus_name"]
        self._name = f"test-listener-{uuid.uuid4().hex[:8]}"
        self._heard: defaultdict[str, list[Json]] = defaultdict(list)
        self._queue_url = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        rule_arn = self._events.put_rule(
            Name=self._name,
            EventBusName=self._bus,
            EventPattern=json.dumps(
                {
                    "source": [{"prefix": "sagashop."}],
                    "detail-type": [{"anything-but": "OrderChanged"}],
                }
            ),
        )["RuleArn"]
        queue_arn = self._sqs.get_queue_attributes(
            QueueUrl=self._queue_url, AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        self._allow(rule_arn, queue_arn)
        self._events.put_targets(
            Rule=self._name, EventBusName=self._bus, Targets=[{"Id": "queue", "Arn": queue_arn}]
        )

    def close(self) -> None:
        """Removes the rule and the queue."""
        self._events.remove_targets(Rule=self._name, EventBusName=self._bus, Ids=["queue"])
        self._events.delete_rule(Name=self._name, EventBusName=self._bus)
        self._sqs.delete_queue(QueueUrl=self._queue_url)

    def wait_for(self, order_id: str, detail_types: Iterable[str]) -> list[Json]:
        """Waits until all of these types were heard of an order.

        Returns all of the order's events so far, in EventBridge's format, in the order of hearing.
        """
        wanted = set(detail_types)
        return eventually(
            lambda: self.heard_of(order_id),
            until=lambda events: wanted <= {event["detail-type"] for event in events},
        )

    def heard_of(self, order_id: str) -> list[Json]:
        """Returns the order's events so far, repeats included."""
        while messages := self._receive():
            for message in messages:
                event = json.loads(message["Body"])
                event_schemas.validate(event["detail-type"], event["detail"])
                # An account's events have none.
                self._heard[event["detail"]["data"].get("order_id", "")].append(event)
                self._sqs.delete_message(
                    QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return list(self._heard[order_id])

    def _receive(self) -> list[Json]:
        response = self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10)
        messages: list[Json] = response.get("Messages", [])
        return messages

    def _allow(self, rule_arn: str, queue_arn: str) -> None:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
        }
        self._sqs.set_queue_attributes(
            QueueUrl=self._queue_url,
            Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        )
