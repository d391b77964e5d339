"""Where an API's stages and its clients' connections are found, by path or by host.

/_aws/ws/<api id>/<stage>                       the path of `ApiEndpoint`, which needs no DNS
<api id>.execute-api.<any domain>/<stage>       AWS's own form
…/@connections/<connection id>                  behind either, to reach a client
/@connections/<connection id>                   for clients that know AWS_ENDPOINT_URL only
"""

import re
from typing import NamedTuple

ROOT = "/_aws/ws"

_PATH = re.compile(rf"{ROOT}/([^/]+)/([^/]+)(/.*)?")
_HOST = re.compile(r"([^.]+)\.execute-api\..+")
_STAGE = re.compile(r"/([^/@]+)(/.*)?")
_CONNECTION = re.compile(r"/@connections/([^/]+)")


class Address(NamedTuple):
    """One stage of one API."""

    api_id: str
    stage: str


class ConnectionAddress(NamedTuple):
    """One client's connection, and the stage that it must belong to, if the URL names one."""

    connection_id: str
    stage: Address | None


def parse_address(host: str, path: str) -> Address | None:
    """Returns the stage that a request to connect is for; None where it is not for this plug-in.

    >>> parse_address("127.0.0.1:4566", "/_aws/ws/a1b2c3/live")
    Address(api_id='a1b2c3', stage='live')
    >>> parse_address("a1b2c3.execute-api.localhost:4566", "/live")
    Address(api_id='a1b2c3', stage='live')
    """
    address, rest = _split(host, path)
    return address if rest in {"", "/"} else None


def parse_connection(host: str, path: str) -> ConnectionAddress | None:
    """Returns the connection that a request is about; None where it is not for this plug-in.

    >>> parse_connection("127.0.0.1:4566", "/_aws/ws/a1b2c3/live/@connections/Zx=")
    ConnectionAddress(connection_id='Zx=', stage=Address(api_id='a1b2c3', stage='live'))
    """
    address, rest = _split(host, path)
    match = _CONNECTION.fullmatch(rest)
    return ConnectionAddress(match[1], address) if match else None


def endpoint_of(api_id: str, host: str) -> str:
    """Returns an API's `ApiEndpoint`: `/<stage>` behind it makes the URL to connect to.

    Its management API is at the same URL with `http` for `ws`, as it is on AWS.
    """
    return f"ws://{host}{ROOT}/{api_id}"


def _split(host: str, path: str) -> tuple[Address | None, str]:
    """Returns the stage that a URL names, and the rest of its path."""
    if match := _PATH.fullmatch(path):
        return Address(match[1], match[2]), match[3] or ""
    host_match, stage_match = _HOST.fullmatch(host), _STAGE.fullmatch(path)
    if host_match and stage_match:
        return Address(host_match[1], stage_match[1]), stage_match[2] or ""
    return None, path
