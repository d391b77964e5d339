"""The WebSocket routes. What the route of a message returns, API Gateway sends to the client."""

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from realtime import domain, messages, service, wiring
from shared import clock, tokens
from shared.errors import HttpError, InvalidToken, NotFound, ServiceBusy, StorageContention
from shared.fields import Fields
from shared.logging import bind, logger

_BUSY = ServiceBusy("The store did not answer in time. Try again in a moment.")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers an event of a connection: `{"statusCode", "body"}`."""
    route, connection_id = event["requestContext"]["routeKey"], _connection_id(event)
    bind(context, connection_id=connection_id)
    try:
        match route:
            case "$connect":
                body = _connect(event)
            case "$disconnect":
                body = _disconnect(connection_id)
            case "subscribe":
                body = _subscribe(event)
            case _:
                raise NotFound(
                    'Send {"action": "subscribe", "order_id": …}.', code="UNKNOWN_ACTION"
                )
    except HttpError as error:
        return _refused(route, error)
    except StorageContention:
        logger.warning("storage busy", exc_info=True)
        return _refused(route, _BUSY)
    return {"statusCode": HTTPStatus.OK, "body": body}


def _connect(event: dict[str, Any]) -> str:
    """Lets in whoever has a token; an HTTP header cannot carry it, as browsers send none."""
    now = clock.now()
    token = (event.get("queryStringParameters") or {}).get("token")
    if token is None:
        raise InvalidToken("Connect with ?token= and an order's token or an access token.")
    subject = tokens.tokens().read(token, now)
    wiring.connections().add(domain.connect(_connection_id(event), subject, now))
    logger.info("client connected")
    return ""


def _disconnect(connection_id: str) -> str:
    wiring.connections().remove(connection_id)
    logger.info("client disconnected")
    return ""


def _subscribe(event: dict[str, Any]) -> str:
    # The route was chosen by a field of the body, so that is a JSON object.
    fields = Fields(json.loads(event["body"]))
    order_id = fields.text("order_id")
    fields.check()
    logger.append_keys(order_id=order_id)
    connections = wiring.connections()
    connection = connections.get(_connection_id(event))
    state = service.subscribe(connection, order_id, connections, wiring.orders())
    logger.info("client subscribed", sequence=state.sequence)
    return messages.order_message(state)


def _refused(route: str, error: HttpError) -> dict[str, Any]:
    """Returns the status that refuses a connection, or the message that tells of the error."""
    logger.info("client refused", route=route, code=error.code)
    status = error.status if route == "$connect" else HTTPStatus.OK
    return {"statusCode": status, "body": messages.error_message(error)}


def _connection_id(event: dict[str, Any]) -> str:
    connection_id: str = event["requestContext"]["connectionId"]
    return connection_id
