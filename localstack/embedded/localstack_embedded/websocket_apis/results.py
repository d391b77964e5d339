"""What came of a call of an integrated function, and what the client is told of it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

_MESSAGES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Requests",
    HTTPStatus.GATEWAY_TIMEOUT: "Endpoint request timed out",
}


@dataclass(frozen=True, slots=True)
class Result:
    """A function's answer, or the status that stands for its failure."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    is_failure: bool = False

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """Returns a header's value, whatever the case of its name."""
        values = (value for key, value in self.headers.items() if key.lower() == name.lower())
        return next(values, None)


def failed(status: HTTPStatus) -> Result:
    """The result of a call that brought no answer (502, 504) or was not made (403, 429, 500)."""
    return Result(status, is_failure=True)


_MALFORMED = failed(HTTPStatus.BAD_GATEWAY)


def parse_result(payload: bytes) -> Result:
    """Reads what a function returned; what is no proxy result is a bad gateway's failure."""
    try:
        answer = json.loads(payload)
        body = answer.get("body")
        if answer.get("isBase64Encoded") and body is not None:
            body = base64.b64decode(body, validate=True).decode()
        if body is not None and not isinstance(body, str):
            return _MALFORMED
        headers = {name: str(value) for name, value in (answer.get("headers") or {}).items()}
        status = int(answer["statusCode"])
        return Result(status, headers, body) if 200 <= status < 600 else _MALFORMED
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        return _MALFORMED


def error_message(status: int, connection_id: str, request_id: str) -> str:
    """Returns the JSON in which AWS tells a client of an error."""
    message = _MESSAGES.get(status, "Internal server error")
    return json.dumps({"message": message, "connectionId": connection_id, "requestId": request_id})
