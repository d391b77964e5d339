"""Assumed roles, remembered: LocalStack's services then reuse their clients."""

import threading
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from cachetools import TTLCache
from localstack.aws.connect import ClientFactory, ServiceLevelClientFactory

from localstack_embedded.patches import patch

# Credentials are good for an hour.
_SECONDS = 15 * 60
_ROLES = 256
_remembered: TTLCache[tuple[object, ...], ServiceLevelClientFactory] = TTLCache(_ROLES, _SECONDS)
_lock = threading.Lock()

# botocore keeps 10 connections per client; a shared one is used by many threads at a time.
_SHARED = Config(max_pool_connections=100)


@patch(ClientFactory.with_assumed_role, source="22cfb314", test="test_a_role_is_assumed_once")
def with_assumed_role(
    assume: Callable[..., ServiceLevelClientFactory], self: ClientFactory, **arguments: Any
) -> ServiceLevelClientFactory:
    """Assumes a role once per service, region and configuration.

    LocalStack assumes it, and makes a boto3 client, whenever a service acts in a role's name, as
    each task of a state machine does: 30 ms of CPU, where the call itself takes 8.
    """
    # botocore's Config compares by identity: a caller with one of its own per call, to set handlers
    # on a client that it doesn't share, gets a client of its own.
    key = (self, *sorted(arguments.items(), key=lambda argument: argument[0]))
    with _lock:
        clients = _remembered.get(key)
    if clients is None:
        # Outside the lock: it is a request to LocalStack itself. Two threads may both make it.
        config = (arguments.get("config") or Config()).merge(_SHARED)
        clients = assume(self, **(arguments | {"config": config}))
        with _lock:
            _remembered[key] = clients
    return clients
