"""Which route a message takes.

https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

CONNECT = "$connect"
DISCONNECT = "$disconnect"
DEFAULT = "$default"

_EXPRESSION = re.compile(r"\$request\.body((?:\.[\w-]+)+)|\$\{request\.body((?:\.[\w-]+)+)\}")
_FUNCTION = re.compile(r":lambda:path/[^/]+/functions/(arn:[^/]+)/invocations")


@dataclass(frozen=True, slots=True)
class Route:
    """A route with its Lambda function.

    Attributes:
        is_two_way: whether the client gets what the function returns.
    """

    key: str
    function_arn: str
    timeout_seconds: float
    is_two_way: bool = False


@dataclass(frozen=True, slots=True)
class RouteTable:
    """An API's routes by their keys, and the path in a message's JSON whose value names the key."""

    selection: tuple[str, ...]
    routes: Mapping[str, Route]

    def select(self, message: str) -> Route | None:
        """Returns the route that the message names, else `$default`, else None.

        The routes that AWS reserves cannot be named: a message must not look like a `$connect`.
        """
        key = self._key_of(message)
        if key is None or key.startswith("$"):
            key = DEFAULT
        return self.routes.get(key) or self.routes.get(DEFAULT)

    def _key_of(self, message: str) -> str | None:
        try:
            value = json.loads(message)
        except ValueError:
            return None
        for name in self.selection:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        if isinstance(value, str):
            return value
        return json.dumps(value) if isinstance(value, bool | int | float) else None


def selection_path(expression: str) -> tuple[str, ...]:
    """Returns the path that a route selection expression names. Raises ValueError for any other.

    >>> selection_path("$request.body.message.action")
    ('message', 'action')
    >>> selection_path("${request.body.action}")
    ('action',)
    """
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        raise ValueError(
            f"The route selection expression must be $request.body.NAME, not {expression}"
        )
    path: str = match[1] or match[2]
    return tuple(path[1:].split("."))


def function_arn_of(integration_uri: str) -> str:
    """Returns the ARN of the function that an integration calls. Raises ValueError for any other.

    >>> function_arn_of(
    ...     "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/"
    ...     "arn:aws:lambda:eu-west-1:111122223333:function:chat/invocations"
    ... )
    'arn:aws:lambda:eu-west-1:111122223333:function:chat'
    """
    if integration_uri.startswith("arn:") and ":lambda:" in integration_uri.partition("/")[0]:
        match = _FUNCTION.search(integration_uri)
        return match[1] if match else integration_uri
    raise ValueError(f"Only Lambda functions can be integrated, not {integration_uri}")
