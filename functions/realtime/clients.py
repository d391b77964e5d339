"""Sends to the clients, and disconnects them, through API Gateway's management API."""

from typing import Any

import boto3
from botocore.config import Config

PARALLEL = 16
"""As many messages as are sent at the same time."""


class Clients:
    """The clients of the WebSocket API at `websocket_url`; its management API is beside it."""

    def __init__(self, websocket_url: str) -> None:
        self._api: Any = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url="http" + websocket_url.removeprefix("ws"),
            config=Config(
                connect_timeout=1,
                read_timeout=3,
                retries={"mode": "standard", "total_max_attempts": 2},
                max_pool_connections=PARALLEL,
            ),
        )

    def send(self, connection_id: str, message: str) -> bool:
        """Sends a message; returns whether the client is still connected."""
        try:
            self._api.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        except self._api.exceptions.GoneException:
            return False
        return True

    def disconnect(self, connection_id: str) -> None:
        """Ends a connection, if it has not ended."""
        try:
            self._api.delete_connection(ConnectionId=connection_id)
        except self._api.exceptions.GoneException:
            return
