"""The events that a WebSocket API passes to its functions.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

import base64
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localstack_embedded.websocket_apis.routing import CONNECT, DISCONNECT

type Event = dict[str, Any]
type Pairs = Iterable[tuple[str, str]]

# What concerns the TCP connection to API Gateway ends there.
_HOP_BY_HOP = frozenset({"connection", "upgrade"})


def new_id() -> str:
    """Returns an id in the form of AWS's for connections, messages and requests."""
    return base64.urlsafe_b64encode(secrets.token_bytes(11)).decode()


@dataclass(frozen=True, slots=True)
class Client:
    """One client's connection to one stage: what all its events have in common.

    Attributes:
        domain_name: the host that the API has.
        connected_at: when it connected.
        variables: the stage's.
    """

    api_id: str
    stage: str
    domain_name: str
    source_ip: str
    user_agent: str | None
    connected_at: datetime
    variables: Mapping[str, str] = field(default_factory=dict)
    connection_id: str = field(default_factory=new_id)


def connect_event(client: Client, headers: Pairs, query: Pairs, at: datetime) -> Event:
    """Returns the event of `$connect`, the only one with headers and query parameters."""
    passed = [pair for pair in headers if pair[0].lower() not in _HOP_BY_HOP]
    passed += [("X-Amzn-Trace-Id", _trace_id(at)), ("X-Forwarded-For", client.source_ip)]
    event: Event = _last_and_all("headers", "multiValueHeaders", passed)
    event |= _last_and_all("queryStringParameters", "multiValueQueryStringParameters", query)
    return event | _event(client, CONNECT, "CONNECT", at)


def message_event(client: Client, route_key: str, body: str, at: datetime) -> Event:
    """Returns the event of a message."""
    event = _event(client, route_key, "MESSAGE", at)
    event["requestContext"]["messageId"] = new_id()
    return event | {"body": body}


def disconnect_event(client: Client, code: int, reason: str, at: datetime) -> Event:
    """Returns the event of `$disconnect`, with the code and the reason of the close frame."""
    event = _event(client, DISCONNECT, "DISCONNECT", at)
    event["requestContext"] |= {"disconnectStatusCode": code, "disconnectReason": reason}
    return event


def _event(client: Client, route_key: str, event_type: str, at: datetime) -> Event:
    request_id = new_id()
    identity = {"sourceIp": client.source_ip}
    if client.user_agent is not None:
        identity["userAgent"] = client.user_agent
    context = {
        "routeKey": route_key,
        "eventType": event_type,
        "messageDirection": "IN",
        "requestId": request_id,
        "extendedRequestId": request_id,
        "requestTime": at.strftime("%d/%b/%Y:%H:%M:%S %z"),
        "requestTimeEpoch": _milliseconds(at),
        "connectedAt": _milliseconds(client.connected_at),
        "connectionId": client.connection_id,
        "apiId": client.api_id,
        "stage": client.stage,
        "domainName": client.domain_name,
        "identity": identity,
    }
    event: Event = {"requestContext": context, "isBase64Encoded": False}
    if client.variables:
        event["stageVariables"] = dict(client.variables)
    return event


def _last_and_all(single: str, multiple: str, pairs: Pairs) -> Event:
    """Returns each name's last value under one key and all its values under the other."""
    values: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        values[name].append(value)
    if not values:
        return {}
    return {single: {name: found[-1] for name, found in values.items()}, multiple: dict(values)}


def _trace_id(at: datetime) -> str:
    return f"Root=1-{int(at.timestamp()):08x}-{secrets.token_hex(12)}"


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def utc_now() -> datetime:
    """Returns the time as an aware UTC datetime."""
    return datetime.now(UTC)
