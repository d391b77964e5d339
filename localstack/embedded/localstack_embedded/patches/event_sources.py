"""Event source mappings that wait at their queue.

LocalStack's mappings ask an SQS queue for what it has at the moment, and pause when it has nothing:
for a second at first, then for longer. (The DynamoDB server lets them wait for a stream's records:
see `dynamodb.consumers`.)
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from localstack.services.lambda_.event_source_mapping.pollers.poller import (
    EmptyPollResultsException,
)
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

from localstack_embedded.patches import patch

# Short enough not to delay the deletion of a mapping.
_WAIT_SECONDS = 2


@patch(
    SqsPoller._register_client_hooks, source="50ba4913", test="test_a_mapping_waits_for_messages"
)
def register_client_hooks(register: Callable[[SqsPoller], None], self: SqsPoller) -> None:
    """Makes a mapping's requests wait: the queue answers as soon as a message arrives."""

    def wait(params: dict[str, Any], **_: object) -> None:
        # Above 0 it is the mapping's batching window.
        params["WaitTimeSeconds"] = params["WaitTimeSeconds"] or _WAIT_SECONDS

    register(self)
    self.source_client.meta.events.register("provide-client-params.sqs.ReceiveMessage", wait)


@patch(
    SqsPoller.poll_events,
    source="f8297897",
    test="test_a_mapping_does_not_pause_after_an_empty_answer",
)
def poll_events(poll: Callable[[SqsPoller], None], self: SqsPoller) -> None:
    """Hides that an answer was empty, which would make the mapping pause: it has waited already."""
    with suppress(EmptyPollResultsException):
        poll(self)
