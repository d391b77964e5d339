"""A client, a clock and functions for the tests of WebSocket APIs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Event, Request, TextMessage

from localstack_embedded.websocket_apis.addresses import Address
from localstack_embedded.websocket_apis.connection import Connection, Listener
from localstack_embedded.websocket_apis.events import Client
from localstack_embedded.websocket_apis.protocol import WebSocketProtocol
from localstack_embedded.websocket_apis.results import Result
from localstack_embedded.websocket_apis.routing import Route


def a_client(**changes: Any) -> Client:
    given = {
        "api_id": "a1b2",
        "stage": "live",
        "domain_name": "a1b2.execute-api.us-east-1.amazonaws.com",
        "source_ip": "192.0.2.1",
        "user_agent": "tests",
        "connected_at": datetime.now(UTC),
    }
    return Client(**given | changes)


@dataclass(eq=False)
class Timer:
    due: float
    call: Callable[[], None]
    is_waiting: bool = True

    def active(self) -> bool:
        return self.is_waiting

    def cancel(self) -> None:
        assert self.is_waiting
        self.is_waiting = False


class FakeLoop:
    """An event loop whose time passes when a test says so."""

    def __init__(self) -> None:
        self._now = 0.0
        self._timers: list[Timer] = []

    def seconds(self) -> float:
        return self._now

    def callLater(self, delay: float, call: Callable[[], None]) -> Timer:  # noqa: N802
        timer = Timer(self._now + delay, call)
        self._timers.append(timer)
        return timer

    def pass_time(self, seconds: float) -> None:
        end = self._now + seconds
        while due := [timer for timer in self.waiting() if timer.due <= end]:
            timer = min(due, key=lambda timer: timer.due)
            self._now = timer.due
            timer.is_waiting = False
            timer.call()
        self._now = end

    def waiting(self) -> list[Timer]:
        return [timer for timer in self._timers if timer.is_waiting]


class Peer:
    """The client's end of a connection, and the TCP connection between."""

    def __init__(self, loop: FakeLoop, listener: Listener, client: Client | None = None) -> None:
        self._client = WSConnection(ConnectionType.CLIENT)
        opening = self._client.send(Request("localhost", "/live")).decode()
        headers = [line.partition(": ")[::2] for line in opening.split("\r\n")[1:-2]]
        protocol = WebSocketProtocol(
            "/live", [(name.encode(), value.encode()) for name, value in headers]
        )
        self.events: list[Event] = []
        self.is_closed = False
        self.is_aborted = False
        self.connection = Connection(client or a_client(), protocol, self, loop, listener)
        self.write(protocol.accept())
        self.events.clear()

    def write(self, data: bytes) -> None:
        self._client.receive_data(data)
        self.events += self._client.events()

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True
        self.connection.lost()

    def say(self, event: Event | str) -> None:
        said = TextMessage(data=event) if isinstance(event, str) else event
        self.connection.received(self._client.send(said))

    @property
    def texts(self) -> list[str]:
        return [event.data for event in self.events if isinstance(event, TextMessage)]

    @property
    def close_frame(self) -> CloseConnection | None:
        frames = [event for event in self.events if isinstance(event, CloseConnection)]
        return frames[0] if frames else None


@dataclass
class FakeFunctions:
    """Functions that answer at once with what a test has given them, or when it tells them to."""

    results: dict[str, Result] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    is_slow: bool = False
    _open: list[Callable[[], None]] = field(default_factory=list)

    def call(self, route: Route, event: dict[str, Any], then: Callable[[Result], None]) -> None:
        self.calls.append(event)
        result = self.results.get(route.key, Result(200))
        if self.is_slow:
            self._open.append(lambda: then(result))
        else:
            then(result)

    def finish(self) -> None:
        while self._open:
            self._open.pop(0)()

    @property
    def contexts(self) -> list[dict[str, Any]]:
        return [event["requestContext"] for event in self.calls]

    @property
    def routes(self) -> list[str]:
        return [context["routeKey"] for context in self.contexts]


class FakeHandshake:
    """A request to connect; `peer` is the client's end once it is accepted."""

    def __init__(self, loop: FakeLoop, listener: Listener, stage: str = "live") -> None:
        self.address = Address("a1b2", stage)
        self.headers = [("Host", "localhost")]
        self.query = [("token", "secret")]
        self.source_ip = "192.0.2.1"
        self.user_agent = "tests"
        self.has_left = False
        self.peer: Peer | None = None
        self.subprotocol: str | None = None
        self.refusal: tuple[int, str] | None = None
        self._loop = loop
        self._listener = listener

    def accept(self, client: Client, subprotocol: str | None) -> Connection | None:
        if self.has_left:
            return None
        self.subprotocol = subprotocol
        self.peer = Peer(self._loop, self._listener, client)
        return self.peer.connection

    def refuse(self, status: int, body: str) -> None:
        self.refusal = (status, body)
