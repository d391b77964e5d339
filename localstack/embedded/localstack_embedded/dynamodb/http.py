"""HTTP/1.1 for AWS's clients on loopback, over connections that are kept.

h11 does the protocol; the event loop's sockets have TCP_NODELAY set, and a response is written in
one piece, so that no client waits for a delayed acknowledgement.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import h11

_READ_SIZE = 2**18


@dataclass(frozen=True)
class Request:
    """A whole request; the headers by their lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Response = tuple[int, Mapping[str, str], bytes]
"""A status, headers without those that frame the body, and the body."""


async def serve(handler: Callable[[Request], Awaitable[Response]], port: int) -> asyncio.Server:
    """Answers requests on 127.0.0.1 with `handler`, concurrently for each connection."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            while request := await _receive(connection, reader):
                writer.write(_encode(connection, *await handler(request)))
                await writer.drain()
                if connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # The client is gone, or doesn't speak HTTP.
        finally:
            writer.close()

    return await asyncio.start_server(converse, "127.0.0.1", port)


async def _receive(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """Returns the next request, or None when the client has closed the connection."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_SIZE))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {
                name.decode("ascii"): value.decode("latin-1") for name, value in head.headers
            }
            return Request(head.method.decode(), head.target.decode("ascii"), headers, bytes(body))
        else:
            return None


def _encode(
    connection: h11.Connection, status: int, headers: Mapping[str, str], body: bytes
) -> bytes:
    framed = [*headers.items(), ("content-length", str(len(body)))]
    head = h11.Response(status_code=status, headers=framed, reason=b"OK")
    parts = (head, h11.Data(data=body), h11.EndOfMessage())
    return b"".join(connection.send(part) or b"" for part in parts)
