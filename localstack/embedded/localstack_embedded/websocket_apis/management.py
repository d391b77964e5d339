"""The `@connections` API, with which functions send to clients, look at them and disconnect them.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import json
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from localstack.http import Request, Response, Router
from twisted.internet import reactor
from twisted.internet.threads import blockingCallFromThread

from localstack_embedded.websocket_apis.addresses import ROOT
from localstack_embedded.websocket_apis.connection import BufferFull, Connection
from localstack_embedded.websocket_apis.gateway import Gateway
from localstack_embedded.websocket_apis.protocol import MESSAGE_BYTES, NORMAL_CLOSURE

_PATH = "/@connections/<connection_id>"
_METHODS = ["POST", "GET", "DELETE"]


class ManagementApi:
    """Answers signed requests; like all of the engine, it accepts any signature."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def register(self, router: Router[Any]) -> None:
        """Adds the API's URL by path and by host, and the one of a client with AWS_ENDPOINT_URL."""
        router.add(f"{ROOT}/<api_id>/<stage>{_PATH}", self.answer, methods=_METHODS)
        router.add(
            f"/<stage>{_PATH}",
            self.answer,
            host="<api_id>.execute-api.<regex('.*'):domain>",
            methods=_METHODS,
        )
        router.add(_PATH, self.answer, methods=_METHODS)

    def answer(
        self,
        request: Request,
        connection_id: str,
        api_id: str | None = None,
        stage: str | None = None,
        domain: str | None = None,
    ) -> Response:
        """Sends to, describes or closes a connection. An API reaches its own connections only."""
        body = request.get_data()
        if len(body) > MESSAGE_BYTES:
            return _error("PayloadTooLargeException", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            return _in_event_loop(
                lambda: self._answer(request.method, body, unquote(connection_id), api_id, stage)
            )
        except BufferFull:
            return _error("LimitExceededException", HTTPStatus.TOO_MANY_REQUESTS)

    def _answer(
        self, method: str, body: bytes, connection_id: str, api_id: str | None, stage: str | None
    ) -> Response:
        connection = self._gateway.connection(connection_id)
        if connection is None or not _belongs_to(connection, api_id, stage):
            return _error("GoneException", HTTPStatus.GONE)
        if method == "GET":
            return _describe(connection)
        if method == "DELETE":
            connection.close(NORMAL_CLOSURE)
            return Response(status=HTTPStatus.NO_CONTENT)
        connection.send(body.decode(errors="replace"))
        return Response(status=HTTPStatus.OK)


def _belongs_to(connection: Connection, api_id: str | None, stage: str | None) -> bool:
    client = connection.client
    return api_id in {None, client.api_id} and stage in {None, client.stage}


def _describe(connection: Connection) -> Response:
    client = connection.client
    return _json(
        {
            "connectedAt": _iso(client.connected_at),
            "lastActiveAt": _iso(connection.last_active_at),
            "identity": {"sourceIp": client.source_ip, "userAgent": client.user_agent},
        },
        HTTPStatus.OK,
    )


def _error(code: str, status: HTTPStatus) -> Response:
    response = _json({"message": status.phrase}, status)
    response.headers["x-amzn-ErrorType"] = code
    return response


def _json(content: object, status: HTTPStatus) -> Response:
    return Response(json.dumps(content), status=status, mimetype="application/json")


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _in_event_loop(work: Callable[[], Response]) -> Response:
    """Runs `work` where the connections are, and waits for it."""
    response: Response = blockingCallFromThread(reactor, work)
    return response
