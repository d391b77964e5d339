"""The WebSocket protocol of one connection, without a socket, within API Gateway's limits.

RFC 6455, and
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

import h11
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

FRAME_BYTES = 32 * 1024
MESSAGE_BYTES = 128 * 1024

# Close codes: RFC 6455, section 7.4.
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
UNSUPPORTED_DATA = 1003
NO_STATUS = 1005
ABNORMAL_CLOSURE = 1006
TOO_BIG = 1009

_REASONS = {
    NORMAL_CLOSURE: "Connection Closed Normally",
    NO_STATUS: "Client-side close frame status not set",
    ABNORMAL_CLOSURE: "Connection Closed Abnormally",
}
# No character of UTF-8 takes more bytes.
_WIDEST = 4


class BadHandshake(Exception):
    """A request to upgrade that RFC 6455 does not allow."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole text message of the client's."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """Bytes to send."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of the conversation, as `$disconnect` reports it."""

    code: int
    reason: str


class WebSocketProtocol:
    """The server's side, from the handshake to the last close frame."""

    def __init__(self, target: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Raises BadHandshake."""
        self._connection = WSConnection(ConnectionType.SERVER)
        try:
            self._connection.initiate_upgrade_connection(headers, target)
        except (RemoteProtocolError, h11.ProtocolError) as exc:
            raise BadHandshake(str(exc)) from exc
        request = next(self._connection.events())
        assert isinstance(request, Request)
        self.subprotocols: list[str] = request.subprotocols
        self._parts: list[str] = []
        self._frame_bytes = 0
        self._message_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether neither side has sent a close frame."""
        return self._connection.state is ConnectionState.OPEN

    def accept(self, subprotocol: str | None = None) -> bytes:
        """Returns the answer that opens the connection."""
        chosen = subprotocol if subprotocol in self.subprotocols else None
        return self._connection.send(AcceptConnection(subprotocol=chosen))

    def text(self, message: str) -> bytes:
        """Returns a message in frames that keep to the frame limit."""
        step = FRAME_BYTES if message.isascii() else FRAME_BYTES // _WIDEST
        last = max(0, len(message) - 1) // step * step
        return b"".join(
            self._connection.send(
                TextMessage(data=message[start : start + step], message_finished=start == last)
            )
            for start in range(0, last + 1, step)
        )

    def close(self, code: int, reason: str = "") -> bytes:
        """Returns a close frame; none where one was sent already."""
        return self._close(CloseConnection(code=code, reason=reason or None))

    def receive(self, data: bytes) -> Iterator[Message | Output | Closing]:
        """Yields what the bytes that the client sent amount to. No message follows `Closing`."""
        if self._connection.state is ConnectionState.CLOSED:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, CloseConnection):
                # The client's, or what wsproto makes of frames that break the protocol.
                if answer := self._close(event.response()):
                    yield Output(answer)
                yield closing(int(event.code), event.reason or "")
            elif not self.is_open:
                continue  # Sent before the client read the close frame.
            elif isinstance(event, Ping):
                yield Output(self._connection.send(event.response()))
            elif isinstance(event, BytesMessage):
                yield from self._refuse(UNSUPPORTED_DATA, "Binary frames are not supported")
            elif isinstance(event, TextMessage):
                yield from self._take(event)

    def _close(self, frame: CloseConnection) -> bytes:
        if self._connection.state not in {ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING}:
            return b""
        return self._connection.send(frame)

    def _take(self, part: TextMessage) -> Iterator[Message | Output | Closing]:
        """Collects a message from its frames, and a frame from what has arrived of it."""
        size = len(part.data) if part.data.isascii() else len(part.data.encode())
        self._frame_bytes += size
        self._message_bytes += size
        if self._frame_bytes > FRAME_BYTES or self._message_bytes > MESSAGE_BYTES:
            self._parts.clear()
            yield from self._refuse(TOO_BIG, "Message or frame too large")
            return
        self._parts.append(part.data)
        if part.frame_finished:
            self._frame_bytes = 0
        if part.message_finished:
            message = "".join(self._parts)
            self._parts.clear()
            self._message_bytes = 0
            yield Message(message)

    def _refuse(self, code: int, reason: str) -> Iterator[Output | Closing]:
        yield Output(self.close(code, reason))
        yield Closing(code, reason)


def closing(code: int, reason: str = "") -> Closing:
    """Returns how a connection ended, with AWS's words where the client gave no reason."""
    return Closing(code, reason or _REASONS.get(code, ""))
