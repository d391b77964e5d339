"""Clients of the live orders: one that connects, subscribes and hears, and a crowd of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import ClientConnection, connect

from sagashop_ops.client import ENDED
from support import event_schemas
from support.waiting import PATIENCE_SECONDS

type Message = dict[str, Any]

# So that a crowd does not make more workers for the functions than the other tests do.
_AT_ONCE = 10


@dataclass(frozen=True)
class LiveClient:
    """A WebSocket to the store. All that it hears has a schema."""

    socket: ClientConnection

    def subscribe(self, order_id: str) -> Message:
        """Subscribes to an order; returns the reply, or an update that came before it."""
        self.socket.send(json.dumps({"action": "subscribe", "order_id": order_id}))
        return self.hear()

    def hear(self) -> Message:
        """Waits for a message."""
        return _read(self.socket.recv(timeout=PATIENCE_SECONDS))

    def hear_until(self, status: str) -> list[Message]:
        """Waits until the order has a status; returns the messages up to that one."""
        messages = [self.hear()]
        while messages[-1]["order"]["status"] != status:
            messages.append(self.hear())
        return messages


@contextmanager
def live_client(websocket_url: str, token: str) -> Iterator[LiveClient]:
    """Connects with a token, within a `with` block."""
    connecting = connect(
        f"{websocket_url}?token={token}",
        open_timeout=PATIENCE_SECONDS,
        compression=None,
        proxy=None,
    )
    with connecting as socket:
        yield LiveClient(socket)


@asynccontextmanager
async def crowd(
    count: int, websocket_url: str, token: str
) -> AsyncIterator[Sequence[AsyncConnection]]:
    """Connects many clients with the same token."""
    places = asyncio.Semaphore(_AT_ONCE)
    async with AsyncExitStack() as connections:

        async def join() -> AsyncConnection:
            async with places:
                connecting = connect_async(
                    f"{websocket_url}?token={token}",
                    open_timeout=PATIENCE_SECONDS,
                    compression=None,
                    proxy=None,
                )
                return await connections.enter_async_context(connecting)

        yield await asyncio.gather(*(join() for _ in range(count)))


async def subscribe_all(clients: Sequence[AsyncConnection], order_id: str) -> None:
    """Makes all of them subscribe to one order, and waits for their replies."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def subscribe(client: AsyncConnection) -> None:
        async with places:
            await client.send(json.dumps({"action": "subscribe", "order_id": order_id}))
            assert (await _hear(client))["type"] == "order"

    await asyncio.gather(*map(subscribe, clients))


async def hear_until_ended(clients: Sequence[AsyncConnection]) -> list[Message]:
    """Waits until each of them has heard that its order has ended; returns what each heard then.

    What a client must ignore, since it is not newer than what it knows, is ignored.
    """

    async def hear(client: AsyncConnection) -> Message:
        newest: Message = {"sequence": 0, "order": {"status": None}}
        while newest["order"]["status"] not in ENDED:
            message = await _hear(client)
            if message["sequence"] > newest["sequence"]:
                newest = message
        return newest

    return await asyncio.gather(*map(hear, clients))


async def _hear(client: AsyncConnection) -> Message:
    return _read(await asyncio.wait_for(client.recv(), PATIENCE_SECONDS))


def _read(text: str | bytes) -> Message:
    message: Message = json.loads(text)
    event_schemas.validate(f"websocket/{message['type']}", message)
    return message
