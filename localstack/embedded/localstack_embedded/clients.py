"""Assumed roles, remembered: LocalStack's services then reuse their clients.

Whenever one of LocalStack's services acts in a role's name (each task of a state machine does), it
assumes the role and makes a boto3 client with the new credentials: some 30 ms of CPU, where the
call itself takes 8. Credentials are good for an hour, so here they, and the clients made with them,
serve a quarter of one.
"""

import threading
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from cachetools import TTLCache
from localstack.aws.connect import ClientFactory, ServiceLevelClientFactory
from localstack.runtime import hooks
from localstack.utils.patch import patch

_SECONDS = 15 * 60
_ROLES = 256

# botocore keeps 10 connections per client; a shared one is used by many threads at a time.
_SHARED = Config(max_pool_connections=100)


@hooks.on_infra_start()
def remember_assumed_roles() -> None:
    """Makes LocalStack assume a role for the same service, region and configuration only once."""
    remembered: TTLCache[tuple[object, ...], ServiceLevelClientFactory]
    remembered = TTLCache(maxsize=_ROLES, ttl=_SECONDS)
    lock = threading.Lock()

    @patch(ClientFactory.with_assumed_role)
    def with_assumed_role(
        assume: Callable[..., ServiceLevelClientFactory], self: ClientFactory, **arguments: Any
    ) -> ServiceLevelClientFactory:
        # botocore's Config compares by identity: a caller with one of its own per call, to set
        # handlers on a client that it doesn't share, gets a client of its own.
        key = (self, *sorted(arguments.items(), key=lambda argument: argument[0]))
        with lock:
            clients = remembered.get(key)
        if clients is None:
            # Outside the lock: it is a request to LocalStack itself. Two threads may both make it.
            config = (arguments.get("config") or Config()).merge(_SHARED)
            clients = assume(self, **(arguments | {"config": config}))
            with lock:
                remembered[key] = clients
        return clients
