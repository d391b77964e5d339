"""Where an API's stages are found, by path or by host.

/_aws/ws/<api id>/<stage>                       the path of `ApiEndpoint`, which needs no DNS
<api id>.execute-api.<any domain>/<stage>       AWS's own form
"""

import re
from typing import NamedTuple

ROOT = "/_aws/ws"

_PATH = re.compile(rf"{ROOT}/([^/]+)/([^/]+)/?")
_HOST = re.compile(r"([^.]+)\.execute-api\..+")
_STAGE = re.compile(r"/([^/]+)/?")


class Address(NamedTuple):
    """One stage of one API."""

    api_id: str
    stage: str


def parse_address(host: str, path: str) -> Address | None:
    """Returns the stage that a request to connect is for; None where it is not for this plug-in.

    >>> parse_address("127.0.0.1:4566", "/_aws/ws/a1b2c3/live")
    Address(api_id='a1b2c3', stage='live')
    >>> parse_address("a1b2c3.execute-api.localhost:4566", "/live")
    Address(api_id='a1b2c3', stage='live')
    """
    if match := _PATH.fullmatch(path):
        return Address(match[1], match[2])
    host_match, stage_match = _HOST.fullmatch(host), _STAGE.fullmatch(path)
    if host_match and stage_match:
        return Address(host_match[1], stage_match[1])
    return None


def endpoint_of(api_id: str, host: str) -> str:
    """Returns an API's `ApiEndpoint`: `/<stage>` behind it makes the URL to connect to.

    Its management API is at the same URL with `http` for `ws`, as it is on AWS.
    """
    return f"ws://{host}{ROOT}/{api_id}"
