"""The engine's HTTP server, bound to the interfaces that GATEWAY_LISTEN names and to no other.

LocalStack's own Twisted server always listens on all interfaces. GATEWAY_SERVER=loopback selects
this one.
"""

import socket
from typing import Any, cast

from localstack import config
from localstack.aws.serving.twisted import TLSMultiplexerFactory
from localstack.runtime.server.core import RuntimeServer, RuntimeServerPlugin
from localstack.runtime.server.twisted import TwistedRuntimeServer
from rolo.gateway import Gateway
from rolo.serving.twisted import TwistedGateway
from twisted.internet import reactor, ssl

from localstack_embedded.websocket_apis import wiring as websocket_apis
from localstack_embedded.websocket_apis.server import WebSocketApiResource

# mypy takes Twisted's zope interfaces for classes.
_reactor = cast(Any, reactor)


class QuietGateway(TwistedGateway):
    """LocalStack's gateway with WebSocket APIs, and without Twisted's access log.

    The log would be formatted and then dropped.
    """

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self.resource = WebSocketApiResource(self.resource, websocket_apis.gateway())

    def log(self, request: object) -> None:
        """Does nothing for a request that was answered."""


class LoopbackServer(TwistedRuntimeServer):
    """Serves HTTP and HTTPS on the same ports, as the stock server does."""

    def register(
        self,
        gateway: Gateway,
        listen: list[config.HostAndPort],
        ssl_creds: tuple[str, str] | None = None,
    ) -> None:
        factory: Any = QuietGateway(gateway)
        if ssl_creds:
            certificate, key = ssl_creds
            context_factory: Any = ssl.DefaultOpenSSLContextFactory(key, certificate)
            context_factory.getContext().use_certificate_chain_file(certificate)
            factory = TLSMultiplexerFactory(context_factory, False, factory)
        for address in listen:
            # A port in use raises CannotListenError here and ends the engine at once; the stock
            # server continues and reports that it is ready, on another process's port.
            listener = _reactor.listenTCP(address.port, factory, interface=address.host)
            # Accepted connections inherit it. Otherwise an answer in several pieces waits 40 ms for
            # the client's delayed acknowledgement of the first piece.
            listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class LoopbackServerPlugin(RuntimeServerPlugin):
    """Found under the entry point `localstack.runtime.server:loopback`."""

    name = "loopback"

    def load(self, *args: object, **kwargs: object) -> RuntimeServer:
        return LoopbackServer()
