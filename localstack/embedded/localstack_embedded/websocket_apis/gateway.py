"""The data plane: which function is called when a client connects, sends or leaves.

Everything here runs in the server's event loop; the functions run elsewhere and answer into it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from localstack_embedded.throttling import Limit, Throttle
from localstack_embedded.websocket_apis import events, results
from localstack_embedded.websocket_apis.addresses import Address
from localstack_embedded.websocket_apis.connection import BufferFull, Connection
from localstack_embedded.websocket_apis.events import Client, Event, Pairs, utc_now
from localstack_embedded.websocket_apis.protocol import ABNORMAL_CLOSURE, Closing, closing
from localstack_embedded.websocket_apis.results import Result
from localstack_embedded.websocket_apis.routing import CONNECT, DISCONNECT, Route, RouteTable

LOG = logging.getLogger(__name__)

_PROTOCOL_HEADER = "Sec-WebSocket-Protocol"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage serves at present.

    Attributes:
        limits: those of single routes, by their keys.
        limit: the one that each of the other routes has.
    """

    table: RouteTable
    domain_name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    limit: Limit | None = None


class Functions(Protocol):
    """Lambda."""

    def call(self, route: Route, event: Event, then: Callable[[Result], None]) -> None:
        """Calls a route's function in the background, and `then` in the event loop."""


class Handshake(Protocol):
    """A client's request to connect, which waits for its answer."""

    address: Address
    headers: Pairs
    query: Pairs
    source_ip: str
    user_agent: str | None

    def accept(self, client: Client, subprotocol: str | None) -> Connection | None:
        """Opens the connection; returns None where the client has left meanwhile."""

    def refuse(self, status: int, body: str) -> None:
        """Answers with an HTTP error."""


class Gateway:
    """The connections of all APIs, and what happens on them."""

    def __init__(self, find: Callable[[Address], Stage | None], functions: Functions) -> None:
        """`find` returns what a stage serves, or None where there is no such stage."""
        self._find = find
        self._functions = functions
        self._throttle = Throttle()
        self._connections: dict[str, Connection] = {}

    def connection(self, connection_id: str) -> Connection | None:
        """Returns an open connection."""
        return self._connections.get(connection_id)

    def connect(self, handshake: Handshake) -> None:
        """Asks `$connect`, if there is one, whether the client may connect."""
        address = handshake.address
        stage = self._find(address)
        if stage is None:
            self._refuse(handshake, Result(HTTPStatus.FORBIDDEN), events.new_id(), events.new_id())
            return
        client = Client(
            api_id=address.api_id,
            stage=address.stage,
            domain_name=stage.domain_name,
            source_ip=handshake.source_ip,
            user_agent=handshake.user_agent,
            connected_at=utc_now(),
            variables=stage.variables,
        )
        route = stage.table.routes.get(CONNECT)
        if route is None:
            self._open(handshake, client, None)
            return
        event = events.connect_event(client, handshake.headers, handshake.query, utc_now())

        def decide(result: Result) -> None:
            if result.is_success:
                self._open(handshake, client, result.header(_PROTOCOL_HEADER))
            else:
                self._refuse(handshake, result, client.connection_id, _request_id(event))

        if self._admits(address, stage, route):
            self._functions.call(route, event, decide)
        else:
            decide(results.failed(HTTPStatus.TOO_MANY_REQUESTS))

    def received(self, connection: Connection, message: str) -> None:
        """Calls the function of the route that the message names."""
        client = connection.client
        address = Address(client.api_id, client.stage)
        stage = self._find(address)
        route = stage.table.select(message) if stage else None
        event = events.message_event(client, route.key if route else "", message, utc_now())

        def answer(result: Result) -> None:
            if result.is_failure:
                error = results.error_message(
                    result.status, client.connection_id, _request_id(event)
                )
                _send(connection, error)
            elif route and route.is_two_way and result.body is not None:
                _send(connection, result.body)

        if stage is None or route is None:
            answer(results.failed(HTTPStatus.FORBIDDEN))
        elif not self._admits(address, stage, route):
            answer(results.failed(HTTPStatus.TOO_MANY_REQUESTS))
        else:
            self._functions.call(route, event, answer)

    def ended(self, connection: Connection, end: Closing) -> None:
        """Forgets the connection, and tells `$disconnect`."""
        self._connections.pop(connection.client.connection_id, None)
        self._tell(connection.client, end)

    def _admits(self, address: Address, stage: Stage, route: Route) -> bool:
        limit = stage.limits.get(route.key, stage.limit)
        return limit is None or self._throttle.admits((address, route.key), limit)

    def _open(self, handshake: Handshake, client: Client, subprotocol: str | None) -> None:
        connection = handshake.accept(client, subprotocol)
        if connection is None:
            self._tell(client, closing(ABNORMAL_CLOSURE))
        else:
            self._connections[client.connection_id] = connection

    def _refuse(
        self, handshake: Handshake, result: Result, connection_id: str, request_id: str
    ) -> None:
        body = result.body or results.error_message(result.status, connection_id, request_id)
        handshake.refuse(result.status, body)

    def _tell(self, client: Client, end: Closing) -> None:
        stage = self._find(Address(client.api_id, client.stage))
        route = stage.table.routes.get(DISCONNECT) if stage else None
        if route:
            event = events.disconnect_event(client, end.code, end.reason, utc_now())
            self._functions.call(route, event, lambda _: None)


def _send(connection: Connection, message: str) -> None:
    try:
        connection.send(message)
    except BufferFull:
        LOG.warning("client %s reads too slowly", connection.client.connection_id)


def _request_id(event: Event) -> str:
    request_id: str = event["requestContext"]["requestId"]
    return request_id
