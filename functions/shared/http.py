"""HTTP on top of Chalice: JSON in, JSON or RFC 9457 problem documents out, CORS, correlation ids.

    api = ServiceApi("inventory")

    @api.get("/products/{sku}")
    def get_product(sku: str) -> dict[str, Any]: ...

    handler = api.handler

A view returns a JSON object (200), or an Answer where it needs another status; it raises HttpError
for what the caller can correct. Everything else becomes a 500 that reveals no internals.
"""

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from chalice.app import Chalice, Request, Response

from shared import clock, ids, logging, settings, tokens
from shared.errors import (
    BodyTooLarge,
    HttpError,
    InvalidToken,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    ServiceBusy,
    StorageContention,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.events import Origin
from shared.logging import logger
from shared.subjects import AccountSubject, Subject

CORRELATION_HEADER = "X-Correlation-Id"
_TRACE_HEADER = "X-Amzn-Trace-Id"
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
SECURITY_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=63072000",
        "X-Content-Type-Options": "nosniff",
    }
)
"""Of every answer, also of API Gateway's own: see the template.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""
# What a page of the storefront may read of an answer, and send with a request.
_EXPOSED_HEADERS = f"{CORRELATION_HEADER}, Location, Retry-After"
_ALLOWED_HEADERS = (
    f"Authorization, Content-Type, Idempotency-Key, {CORRELATION_HEADER}, X-Idempotency-Key"
)
# Of all services: some paths are shared by two of them.
_METHODS = "GET, POST, DELETE, OPTIONS"
_PREFLIGHT_SECONDS = "600"
# The largest order has a tenth of it.
_MAX_BODY_BYTES = 64 * 1024

# A write whose answer was lost may have happened. Every route may be called again all the same,
# except for placing an order without a key, which has words of its own.
_BUSY = ServiceBusy(
    "The store did not answer in time; it may have done what you asked. "
    "Send the same request again: repeating it is safe."
)


@dataclass(frozen=True)
class _Settings:
    storefront_origin: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body with a status other than 200, or with headers of its own."""

    body: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] | None = None


type View = Callable[..., Mapping[str, Any] | Answer]


class ServiceApi:
    """One service's routes. Their paths are the template's, which is what API Gateway passes on.

    `origin` is where the current request comes from, for the events that it causes.
    """

    def __init__(self, service: str, guard: Callable[[], None] | None = None) -> None:
        """Makes the API; `guard`, called before each view, raises HttpError to refuse a request."""
        self._guard = guard
        self._app = Chalice(f"sagashop-{service}", configure_logs=False)
        self._headers: Mapping[str, str] = {}
        self.origin = Origin(correlation_id="")
        self.get(f"/{service}/health")(lambda: {"service": service, "status": "ok"})

    def get(self, path: str) -> Callable[[View], View]:
        """Registers a view for GET; the path's `{names}` are its arguments."""
        return self._route("GET", path)

    def post(self, path: str) -> Callable[[View], View]:
        """Registers a view for POST; it reads the body with `json_body`."""
        return self._route("POST", path)

    def delete(self, path: str) -> Callable[[View], View]:
        """Registers a view for DELETE."""
        return self._route("DELETE", path)

    def header(self, *names: str) -> str | None:
        """Returns the first header that the current request has, whatever the case of its name."""
        values = (self._headers.get(name.lower()) for name in names)
        return next((value for value in values if value is not None), None)

    def query(self, name: str) -> str | None:
        """Returns a parameter of the current request's query, or None."""
        parameters: Mapping[str, str] | None = self._request.query_params
        return None if parameters is None else parameters.get(name)

    def caller(self) -> Subject | None:
        """Returns whom the request's bearer token speaks for; None where it has none.

        Raises InvalidToken for an Authorization header with anything else in it.
        """
        header = self.header("Authorization")
        if header is None:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise InvalidToken("Send a bearer token.")
        return tokens.tokens().read(token.strip(), clock.now())

    def account(self) -> AccountSubject:
        """Returns which account the caller signed in to.

        Raises Unauthorized for a request without a token, InvalidToken where `caller` does, and for
        a token that is an order's.
        """
        caller = self.caller()
        if caller is None:
            raise Unauthorized("Sign in, and send the access token as a bearer token.")
        if not isinstance(caller, AccountSubject):
            raise InvalidToken("Send an access token; this one is an order's.")
        return caller

    def require_operator(self) -> AccountSubject:
        """Returns which operator calls.

        Raises Unauthorized and InvalidToken as `account` does, and NotFound for anybody else's
        token: for them, there is no such route.
        """
        caller = self.caller()
        if caller is None:
            raise Unauthorized("Sign in as an operator, and send the access token.")
        if not isinstance(caller, AccountSubject) or not caller.is_operator:
            raise NotFound("There is no such route.")
        return caller

    def client_address(self) -> str:
        """Returns the address that the request came from, for counting requests.

        It is the /64 network of an IPv6 address: a single subscriber has all of its addresses.
        """
        # API Gateway's own: what a header says of it, the caller wrote.
        text: str = self._request.context["identity"]["sourceIp"]
        address = ipaddress.ip_address(text)
        if address.version == 4:
            return text
        return str(ipaddress.ip_network((address, 64), strict=False))

    def json_body(self) -> dict[str, Any]:
        """Returns the parsed body, a JSON object.

        Raises UnsupportedMediaType, BodyTooLarge or MalformedRequest.
        """
        media_type = (self.header("Content-Type") or "application/json").split(";")[0]
        if media_type.strip().lower() != "application/json":
            raise UnsupportedMediaType("Send the body as application/json.")
        if len(self._request.raw_body) > _MAX_BODY_BYTES:
            raise BodyTooLarge(f"Send at most {_MAX_BODY_BYTES // 1024} KiB.")
        # The template's model of a body refuses it in the same words.
        malformed = MalformedRequest("The body is not a JSON object.")
        try:
            body = json.loads(self._request.raw_body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as exc:
            raise malformed from exc
        if not isinstance(body, dict):
            raise malformed
        return body

    def handler(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The Lambda handler for API Gateway's proxy events (REST API, payload version 1.0)."""
        request = event["requestContext"]
        headers = event.get("headers") or {}
        self._headers = {name.lower(): value for name, value in headers.items()}
        self.origin = Origin(
            correlation_id=self._correlation_id(),
            causation_id=request.get("requestId") or context.aws_request_id,
            trace_id=self._trace_id(),
        )
        logging.bind(
            context,
            correlation_id=self.origin.correlation_id,
            trace_id=self.origin.trace_id,
            order_id=(event.get("pathParameters") or {}).get("order_id"),
        )
        method, path = request["httpMethod"], request["resourcePath"]
        logger.info("request received", method=method, path=path)
        response = self._dispatch(method, path, event, context)
        response["headers"] = {**self._headers_of_all(), **response["headers"]}
        logger.info("request answered", method=method, path=path, status=response["statusCode"])
        return response

    def _dispatch(
        self, method: str, path: str, event: dict[str, Any], context: LambdaContext
    ) -> dict[str, Any]:
        # Chalice's own errors for an unknown path or method are not problem documents.
        methods = self._app.routes.get(path, {})
        if method in methods:
            response: dict[str, Any] = self._app(event, context)
            return response
        if methods and method == "OPTIONS":
            answer = Response(body="", status_code=HTTPStatus.NO_CONTENT)
        elif methods:
            allowed = ", ".join(sorted(methods))
            answer = self._problem(MethodNotAllowed(f"{path} answers {allowed}."))
        else:
            answer = self._problem(NotFound(f"There is nothing at {path}."))
        return answer.to_dict()

    def _headers_of_all(self) -> dict[str, str]:
        """Returns the headers of every answer to the current request, whatever it is.

        Only the storefront's pages may read it, or send what needs a preflight request.
        https://fetch.spec.whatwg.org/#http-cors-protocol
        """
        headers = {
            **SECURITY_HEADERS,
            CORRELATION_HEADER: self.origin.correlation_id,
            "Vary": "Origin",
        }
        origin = self.header("Origin")
        if origin and origin == settings.load(_Settings).storefront_origin:
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
                "Access-Control-Allow-Methods": _METHODS,
                "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
                "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
            }
        return headers

    @property
    def _request(self) -> Request:
        request = self._app.current_request
        assert request is not None, "only a view may ask for the request"
        return request

    def _route(self, method: str, path: str) -> Callable[[View], View]:
        # Chalice's own check of the media type gives no problem document; `json_body` checks it.
        register = self._app.route(path, methods=[method], content_types=[])

        def decorate(view: View) -> View:
            register(self._answering(view))
            return view

        return decorate

    def _answering(self, view: View) -> Callable[..., Response]:
        """Wraps a view so that its result and every exception become a response."""

        @functools.wraps(view)
        def answer(**arguments: str) -> Response:
            try:
                if self._guard is not None:
                    self._guard()
                result = view(**arguments)
            except HttpError as error:
                logger.info("request refused", code=error.code, detail=error.detail)
                return self._problem(error)
            except StorageContention:
                logger.warning("storage was busy", exc_info=True)
                return self._problem(_BUSY)
            except Exception:
                # The last resort: the caller gets an answer, and the log the exception.
                logger.exception("request failed")
                return self._internal_error()
            if not isinstance(result, Answer):
                result = Answer(result)
            return self._response(
                result.body, result.status, "application/json", result.headers or {}
            )

        return answer

    def _problem(self, error: HttpError) -> Response:
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "code": error.code,
        }
        if isinstance(error, ValidationFailed):
            document["errors"] = [
                {"field": wrong.field, "message": wrong.message} for wrong in error.errors
            ]
        headers = _headers_of(error)
        return self._response(document, error.status, "application/problem+json", headers)

    def _internal_error(self) -> Response:
        document = {
            "type": "about:blank",
            "title": "Something went wrong on our side",
            "status": 500,
            "detail": "It has been recorded under the correlation id.",
            "code": "INTERNAL_ERROR",
            "correlation_id": self.origin.correlation_id,
        }
        return self._response(document, 500, "application/problem+json", {})

    def _response(
        self, body: Mapping[str, Any], status: int, media_type: str, headers: Mapping[str, str]
    ) -> Response:
        return Response(
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
            status_code=int(status),
            headers={"Content-Type": media_type, **headers},
        )

    def _correlation_id(self) -> str:
        """Returns the caller's correlation id where it has the right form, else a new one."""
        sent = self.header(CORRELATION_HEADER) or ""
        return sent if _CORRELATION_ID.fullmatch(sent) else ids.new_id("cor", clock.now())

    def _trace_id(self) -> str:
        """Returns API Gateway's trace id, else Lambda's, else a new one: every order has one."""
        sent = settings.root_of_trace(self.header(_TRACE_HEADER) or "")
        return sent or settings.trace_id() or ids.new_trace_id(clock.now())


def _headers_of(error: HttpError) -> Mapping[str, str]:
    """Returns the headers that tell a client how to do better.

    https://www.rfc-editor.org/rfc/rfc9110.html#section-11.6.1 and #section-10.2.3,
    https://www.rfc-editor.org/rfc/rfc6750.html#section-3
    """
    match error:
        case InvalidToken():
            return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        case Unauthorized():
            return {"WWW-Authenticate": "Bearer"}
        case ServiceBusy(retry_after=int(seconds)) | TooManyRequests(retry_after=int(seconds)):
            return {"Retry-After": str(seconds)}
    return {}


def _refuse_constant(constant: str) -> Any:
    """`NaN` and `Infinity` are Python's, not JSON's."""
    raise ValueError(f"{constant} is not JSON")
