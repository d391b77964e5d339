"""Calls of Lambda functions, in threads of their own, with their results in the event loop."""

import json
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from botocore.exceptions import ClientError
from localstack.aws.connect import connect_to
from localstack.utils.aws.arns import extract_region_from_arn
from localstack.utils.aws.client_types import ServicePrincipal
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as CallTimeout
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from localstack_embedded.websocket_apis.events import Event
from localstack_embedded.websocket_apis.results import Result, failed, parse_result
from localstack_embedded.websocket_apis.routing import Route

LOG = logging.getLogger(__name__)

# As many calls as the engine has Lambda workers by default; the others wait. The server's own
# threads stay free for what the functions ask of the engine.
_THREADS = 40

_reactor = cast(Any, reactor)


class LambdaFunctions:
    """The engine's own Lambda service."""

    def __init__(self) -> None:
        self._threads = ThreadPool(minthreads=0, maxthreads=_THREADS, name="websocket-apis")
        self._threads.start()
        _reactor.addSystemEventTrigger("during", "shutdown", self._threads.stop)

    def call(self, route: Route, event: Event, then: Callable[[Result], None]) -> None:
        """Calls a route's function, for the route's timeout at most."""
        call: Deferred[Result] = deferToThreadPool(_reactor, self._threads, _invoke, route, event)
        call.addTimeout(route.timeout_seconds, _reactor)
        call.addErrback(_failed)
        call.addCallback(then)
        call.addErrback(lambda failure: LOG.error("%s", failure.getTraceback()))


def _failed(failure: Failure) -> Result:
    if failure.check(CallTimeout):
        return failed(HTTPStatus.GATEWAY_TIMEOUT)
    LOG.warning("A function could not be called: %s", failure.value)
    return failed(HTTPStatus.INTERNAL_SERVER_ERROR)


def _invoke(route: Route, event: Event) -> Result:
    client = connect_to(region_name=extract_region_from_arn(route.function_arn)).lambda_
    try:
        answer = client.request_metadata(service_principal=ServicePrincipal.apigateway).invoke(
            FunctionName=route.function_arn, Payload=json.dumps(event).encode()
        )
    except ClientError as exc:
        LOG.warning("%s of the route %s: %s", route.function_arn, route.key, exc)
        return failed(HTTPStatus.INTERNAL_SERVER_ERROR)
    if "FunctionError" in answer:
        return failed(HTTPStatus.BAD_GATEWAY)
    return parse_result(answer["Payload"].read())
