"""The `@connections` API, with which functions send to clients, look at them and disconnect them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import json
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from localstack_embedded.websocket_apis.addresses import Address, ConnectionAddress
from localstack_embedded.websocket_apis.connection import BufferFull, Connection
from localstack_embedded.websocket_apis.gateway import Gateway
from localstack_embedded.websocket_apis.protocol import MESSAGE_BYTES, NORMAL_CLOSURE


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response.

    Attributes:
        body: JSON, or nothing.
        error: the code by which AWS's clients know an error.
    """

    status: HTTPStatus
    body: str = ""
    error: str | None = None


def manage(gateway: Gateway, method: str, address: ConnectionAddress, body: bytes) -> Answer:
    """Sends to, describes or closes a connection.

    Requests are signed; like all of the engine, this accepts any signature.
    """
    if len(body) > MESSAGE_BYTES:
        return _error("PayloadTooLargeException", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    connection = gateway.connection(address.connection_id)
    if connection is None or address.stage not in {None, _stage_of(connection)}:
        return _error("GoneException", HTTPStatus.GONE)
    match method:
        case "POST":
            return _send(connection, body.decode(errors="replace"))
        case "GET":
            return _describe(connection)
        case "DELETE":
            connection.close(NORMAL_CLOSURE)
            return Answer(HTTPStatus.NO_CONTENT)
        case _:
            return _error("ForbiddenException", HTTPStatus.FORBIDDEN)


def _send(connection: Connection, message: str) -> Answer:
    try:
        connection.send(message)
    except BufferFull:
        return _error("LimitExceededException", HTTPStatus.TOO_MANY_REQUESTS)
    return Answer(HTTPStatus.OK)


def _describe(connection: Connection) -> Answer:
    client = connection.client
    described = {
        "connectedAt": _iso(client.connected_at),
        "lastActiveAt": _iso(connection.last_active_at),
        "identity": {"sourceIp": client.source_ip, "userAgent": client.user_agent},
    }
    return Answer(HTTPStatus.OK, json.dumps(described))


def _stage_of(connection: Connection) -> Address:
    return Address(connection.client.api_id, connection.client.stage)


def _error(code: str, status: HTTPStatus) -> Answer:
    return Answer(status, json.dumps({"message": status.phrase}), code)


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
