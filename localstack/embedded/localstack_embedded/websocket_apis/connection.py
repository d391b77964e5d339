"""One client's open connection: its messages, its time limits, and its end.

Everything here runs in the server's one event loop; no connection has a thread.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from localstack_embedded.websocket_apis.events import Client, utc_now
from localstack_embedded.websocket_apis.protocol import (
    ABNORMAL_CLOSURE,
    GOING_AWAY,
    Closing,
    Message,
    Output,
    WebSocketProtocol,
    closing,
)

IDLE_SECONDS = 10 * 60
LIFETIME_SECONDS = 2 * 60 * 60
# How long the server waits for the client's close frame, and for a client that reads nothing.
CLOSE_SECONDS = 5
# What may wait for a client that reads too slowly.
BUFFER_BYTES = 1024 * 1024


class Transport(Protocol):
    """The TCP connection."""

    def write(self, data: bytes) -> None:
        """Sends, or keeps for sending."""

    def close(self) -> None:
        """Ends it once everything is sent."""

    def abort(self) -> None:
        """Ends it at once."""


class EventLoop(Protocol):
    """The part of Twisted's reactor that a connection needs."""

    def seconds(self) -> float:
        """The loop's clock."""

    def callLater(self, delay: float, call: Callable[[], None]) -> Any:  # noqa: N802
        """Returns what has `cancel()` and `active()`."""


class Listener(Protocol):
    """Who hears of a connection's messages and of its end."""

    def received(self, connection: "Connection", message: str) -> None:
        """A whole message came."""

    def ended(self, connection: "Connection", end: Closing) -> None:
        """Called once; nothing can be sent any more."""


class BufferFull(Exception):
    """The client reads so slowly that too much waits for it."""


class Connection:
    """A connection after its handshake.

    Attributes:
        last_active_at: when a message last went either way.
    """

    def __init__(
        self,
        client: Client,
        protocol: WebSocketProtocol,
        transport: Transport,
        loop: EventLoop,
        listener: Listener,
    ) -> None:
        self.client = client
        self.last_active_at: datetime = client.connected_at
        self._protocol = protocol
        self._transport = transport
        self._loop = loop
        self._listener = listener
        self._has_ended = False
        self._waiting_bytes = 0
        self._is_paused = False
        self._active_until = loop.seconds() + IDLE_SECONDS
        self._timers = [
            loop.callLater(LIFETIME_SECONDS, lambda: self.close(GOING_AWAY, "Going away")),
            loop.callLater(IDLE_SECONDS, self._look_for_activity),
        ]

    def send(self, message: str) -> None:
        """Sends a message; does nothing where the connection has ended. Raises BufferFull."""
        if self._has_ended:
            return
        data = self._protocol.text(message)
        if self._is_paused:
            if self._waiting_bytes + len(data) > BUFFER_BYTES:
                raise BufferFull
            self._waiting_bytes += len(data)
        self._note_activity()
        self._transport.write(data)

    def close(self, code: int, reason: str = "") -> None:
        """Begins the closing handshake."""
        if self._has_ended:
            return
        self._transport.write(self._protocol.close(code, reason))
        self._end(closing(code, reason))
        self._timers.append(self._loop.callLater(CLOSE_SECONDS, self._transport.abort))

    def received(self, data: bytes) -> None:
        """Takes what the client sent."""
        for part in self._protocol.receive(data):
            match part:
                case Output(data=output):
                    self._transport.write(output)
                    self._active_until = self._loop.seconds() + IDLE_SECONDS
                case Message(text=text):
                    self._note_activity()
                    self._listener.received(self, text)
                case Closing():
                    self._end(part)
                    self._timers.append(self._loop.callLater(CLOSE_SECONDS, self._transport.abort))
                    self._transport.close()

    def paused(self) -> None:
        """The client does not read what was sent, so it begins to wait here."""
        self._is_paused = True

    def resumed(self) -> None:
        """Nothing waits any more."""
        self._is_paused = False
        self._waiting_bytes = 0

    def lost(self) -> None:
        """The TCP connection has ended, whoever ended it."""
        self._end(closing(ABNORMAL_CLOSURE))
        self._cancel_timers()

    def _end(self, end: Closing) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._cancel_timers()
            self._listener.ended(self, end)

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()

    def _note_activity(self) -> None:
        self._active_until = self._loop.seconds() + IDLE_SECONDS
        self.last_active_at = utc_now()

    def _look_for_activity(self) -> None:
        remaining = self._active_until - self._loop.seconds()
        if remaining <= 0:
            self.close(GOING_AWAY, "Going away")
        else:
            self._timers.append(self._loop.callLater(remaining, self._look_for_activity))
