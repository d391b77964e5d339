"""The engine's HTTP server hands over what is for a WebSocket API: clients, and who sends to them.

LocalStack's own server gives each WebSocket a thread. Here a connection costs a few objects in the
server's event loop instead, so that hundreds can wait for hours; and as all connections are there,
what functions ask of them is answered there too.
"""

import json
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from rolo.serving.twisted import to_flat_header_list
from twisted.internet import reactor
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.components import proxyForInterface
from twisted.python.failure import Failure
from twisted.web.resource import IResource
from twisted.web.server import NOT_DONE_YET, Request
from zope.interface import implementer

from localstack_embedded.websocket_apis.addresses import (
    Address,
    ConnectionAddress,
    parse_address,
    parse_connection,
)
from localstack_embedded.websocket_apis.connection import Connection
from localstack_embedded.websocket_apis.events import Client, Pairs
from localstack_embedded.websocket_apis.gateway import Gateway
from localstack_embedded.websocket_apis.management import manage
from localstack_embedded.websocket_apis.protocol import BadHandshake, WebSocketProtocol

_reactor = cast(Any, reactor)


class WebSocketApiResource(proxyForInterface(IResource)):  # type: ignore[misc]
    """Takes the requests of WebSocket APIs; the others go to the resource behind it."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, original: IResource, gateway: Gateway) -> None:
        super().__init__(original)
        self._gateway = gateway

    def render(self, request: Request) -> Any:
        host = request.getHeader("host") or ""
        path = unquote(request.uri.decode("latin-1").partition("?")[0])
        if (request.getHeader("upgrade") or "").lower() == "websocket":
            if address := parse_address(host, path):
                self._connect(request, address)
                return NOT_DONE_YET
        elif connection := parse_connection(host, path):
            self._manage(request, connection)
            return NOT_DONE_YET
        return self.original.render(request)

    def _connect(self, request: Request, address: Address) -> None:
        headers = to_flat_header_list(request.requestHeaders)
        try:
            protocol = WebSocketProtocol(request.uri.decode("latin-1"), headers)
        except BadHandshake as exc:
            _answer(request, 400, json.dumps({"message": str(exc)}))
        else:
            self._gateway.connect(_TwistedHandshake(request, address, protocol, self._gateway))

    def _manage(self, request: Request, address: ConnectionAddress) -> None:
        method = request.method.decode("latin-1")
        assert request.content is not None, "it has been received"
        answer = manage(self._gateway, method, address, request.content.read())
        if answer.error:
            request.setHeader("x-amzn-ErrorType", answer.error)
        _answer(request, answer.status, answer.body)


class _TwistedHandshake:
    """A request to upgrade that Twisted holds."""

    def __init__(
        self, request: Request, address: Address, protocol: WebSocketProtocol, gateway: Gateway
    ) -> None:
        self.address = address
        self.headers: Pairs = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in to_flat_header_list(request.requestHeaders)
        ]
        query = request.uri.decode("latin-1").partition("?")[2]
        self.query: Pairs = parse_qsl(query, keep_blank_values=True)
        self.source_ip: str = request.getClientAddress().host
        self.user_agent: str | None = request.getHeader("user-agent")
        self._request = request
        self._protocol = protocol
        self._gateway = gateway
        self._has_left = False
        request.notifyFinish().addErrback(self._note_leaving)

    def accept(self, client: Client, subprotocol: str | None) -> Connection | None:
        """Takes the TCP connection from Twisted's HTTP."""
        if self._has_left:
            return None
        return _TwistedConnection(
            self._request, client, self._protocol, self._gateway, subprotocol
        ).connection

    def refuse(self, status: int, body: str) -> None:
        if not self._has_left:
            _answer(self._request, status, body)

    def _note_leaving(self, _: Failure) -> None:
        self._has_left = True


@implementer(IPushProducer)
class _TwistedConnection(Protocol):
    """Twisted's side of a connection: it takes the place of HTTP on the TCP connection."""

    def __init__(
        self,
        request: Request,
        client: Client,
        protocol: WebSocketProtocol,
        gateway: Gateway,
        subprotocol: str | None,
    ) -> None:
        self._request = request
        self._channel: Any = request.channel
        transport: Any = self._channel.transport
        request.registerProducer(self, True)
        if isinstance(transport, ProtocolWrapper):
            transport.wrappedProtocol = cast(Any, self)
        else:
            transport.protocol = self
        self._tcp = transport
        self.connection = Connection(client, protocol, self, _reactor, gateway)
        self.write(protocol.accept(subprotocol))

    def write(self, data: bytes) -> None:
        self._tcp.write(data)

    def close(self) -> None:
        # The HTTP channel is registered as a producer of its transport, and TLS does not end while
        # a producer is registered.
        self._request.unregisterProducer()
        self._channel.loseConnection()

    def abort(self) -> None:
        self._tcp.abortConnection()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        self.connection.received(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]  # noqa: N802
        self.connection.lost()
        self._channel.connectionLost(reason)

    def pauseProducing(self) -> None:  # noqa: N802
        self.connection.paused()

    def resumeProducing(self) -> None:  # noqa: N802
        self.connection.resumed()

    def stopProducing(self) -> None:  # noqa: N802
        """The transport is closing; `connectionLost` follows."""


def _answer(request: Request, status: int, body: str) -> None:
    content = body.encode()
    request.setResponseCode(status)
    if content:
        request.setHeader("Content-Type", "application/json")
    if status != HTTPStatus.NO_CONTENT:
        request.setHeader("Content-Length", str(len(content)))
    request.write(content)
    request.finish()
