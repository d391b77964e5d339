"""Event source mappings that wait at their queue instead of looking into it again and again.

LocalStack's mappings ask an SQS queue for what it has at the moment and pause when it has nothing,
for a second at first and then for longer. Asked to wait, the queue answers as soon as a message
arrives. (Streams are waited for in the DynamoDB server: see `dynamodb.consumers`.)
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from localstack.runtime import hooks
from localstack.services.lambda_.event_source_mapping.pollers.poller import (
    EmptyPollResultsException,
)
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller
from localstack.utils.patch import patch

# Short enough not to hold up a mapping that is being deleted.
_WAIT_SECONDS = 2


@hooks.on_infra_start()
def wait_at_queues() -> None:
    """Makes the mappings' requests for messages wait, and doesn't let them pause after that."""

    @patch(SqsPoller._register_client_hooks)
    def register_client_hooks(register: Callable[[SqsPoller], None], self: SqsPoller) -> None:
        def wait(params: dict[str, Any], **_: object) -> None:
            # Above 0 it is the mapping's batching window.
            params["WaitTimeSeconds"] = params["WaitTimeSeconds"] or _WAIT_SECONDS

        register(self)
        self.source_client.meta.events.register("provide-client-params.sqs.ReceiveMessage", wait)

    @patch(SqsPoller.poll_events)
    def poll_events(poll: Callable[[SqsPoller], None], self: SqsPoller) -> None:
        # The pause that it asks for was spent in the request.
        with suppress(EmptyPollResultsException):
            poll(self)
