"""What LocalStack's services need to call each other, made once: assumed roles and parsers."""

import threading
from collections.abc import Callable
from typing import Any

from botocore.config import Config
from botocore.model import ServiceModel
from cachetools import TTLCache, cached
from localstack.aws import skeleton
from localstack.aws.connect import ClientFactory, ServiceLevelClientFactory
from localstack.aws.handlers import service as service_handlers
from localstack.aws.protocol.parser import RequestParser, create_parser

from localstack_embedded.patches import patch

# Credentials are good for an hour.
_SECONDS = 15 * 60
_ROLES = 256

# botocore keeps 10 connections per client; a shared one is used by many threads at a time.
_SHARED = Config(max_pool_connections=100)


def _key(_: object, factory: ClientFactory, **arguments: Any) -> tuple[object, ...]:
    # botocore's Config compares by identity: a caller with one of its own per call, to set handlers
    # on a client that it doesn't share, gets a client of its own.
    return (factory, *sorted(arguments.items(), key=lambda argument: argument[0]))


@patch(ClientFactory.with_assumed_role, source="22cfb314", test="test_a_role_is_assumed_once")
@cached(TTLCache(_ROLES, _SECONDS), key=_key, lock=threading.Lock())
def with_assumed_role(
    assume: Callable[..., ServiceLevelClientFactory], self: ClientFactory, **arguments: Any
) -> ServiceLevelClientFactory:
    """Assumes a role once per service, region and configuration.

    LocalStack assumes it, and makes a boto3 client, whenever a service acts in a role's name, as
    each task of a state machine does: 30 ms of CPU, where the call itself takes 8.
    """
    config = (arguments.get("config") or Config()).merge(_SHARED)
    return assume(self, **(arguments | {"config": config}))


def _parser_key(
    _: object, service: ServiceModel, protocol: str | None = None
) -> tuple[object, ...]:
    return (service.service_name, protocol or service.protocol)


@patch(
    create_parser,
    source="28988aa5",
    test="test_clients_share_a_parser",
    importers=(service_handlers, skeleton),
)
@cached({}, key=_parser_key, lock=threading.Lock())
def create_parser_once(
    create: Callable[..., RequestParser], service: ServiceModel, protocol: str | None = None
) -> RequestParser:
    """Makes one parser per service and protocol.

    LocalStack makes one for each client: 0.3 s of CPU for Lambda's, at the first call of each
    service that calls functions, and again for each thread that calls at the same time.
    """
    return create(service, protocol)
