"""The Lambda Runtime API on loopback, for one worker.

There is no server thread: whoever waits for the worker reads its requests (`RuntimeApi.requests`)
and answers them, so a call costs no hand-over between threads, and an idle worker costs nothing but
its `GET next` waiting in a socket's buffer.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import contextlib
import re
import selectors
import socket
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "/2018-06-01/runtime"
INIT_ERROR = f"{PREFIX}/init/error"
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_REASONS = {200: "OK", 202: "Accepted"}
_READ_BYTES = 256 * 1024
# A worker that does not take its call's payload for so long is stuck.
_SEND_SECONDS = 30.0


def response_path(request_id: str) -> str:
    """Where a successful result is posted; errors go to another path."""
    return f"{PREFIX}/invocation/{request_id}/response"


@dataclass(frozen=True, slots=True)
class Request:
    """A complete HTTP request of the worker's runtime client."""

    path: str
    body: bytes
    connection: socket.socket

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Answers in a single write.

        Head and body in two TCP segments would cost 40 ms: the second waits for the peer's delayed
        acknowledgement of the first. Raises OSError where the worker is gone.
        """
        head = [f"HTTP/1.1 {status} {_REASONS[status]}", f"Content-Length: {len(body)}"]
        head += ["Content-Type: application/json"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.connection.sendall("\r\n".join([*head, "", ""]).encode() + body)


class RuntimeApi:
    """A listener on a free loopback port; its sockets are watched by the caller's selector.

    What is registered there is a function without arguments, which reads what has arrived and
    returns a `Request` once it is whole.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._listener = socket.create_server(("127.0.0.1", 0))
        # The worker's connections, and what of a request has arrived on each.
        self._received: dict[socket.socket, bytearray] = {}
        host, port = self._listener.getsockname()
        self.address = f"{host}:{port}"
        """For AWS_LAMBDA_RUNTIME_API."""
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(_SEND_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received[connection] = bytearray()
        self._selector.register(connection, selectors.EVENT_READ, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> Request | None:
        data = b""
        with contextlib.suppress(ConnectionError):
            data = connection.recv(_READ_BYTES)
        if not data:
            self._close(connection)
            return None
        received = self._received[connection]
        received += data
        head_end = received.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        length = _CONTENT_LENGTH.search(received, 0, head_end)
        body_start = head_end + 4
        body_end = body_start + (int(length[1]) if length else 0)
        if len(received) < body_end:
            return None
        path = received.split(b" ", 2)[1].decode()
        body = bytes(received[body_start:body_end])
        # The client sends no request before the answer to its last, so nothing follows the body.
        received.clear()
        return Request(path, body, connection)

    def _close(self, connection: socket.socket) -> None:
        del self._received[connection]
        self._selector.unregister(connection)
        connection.close()

    def close(self) -> None:
        for connection in list(self._received):
            self._close(connection)
        self._selector.unregister(self._listener)
        self._listener.close()
