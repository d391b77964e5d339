"""Compares every answer of the HTTP API that a test gets with docs/openapi.yaml.

An answer that is not described fails its test. What was seen is kept: `support.api_coverage` wants
all of it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.http import ServiceApi
from support.api_description import ANY, Answer, Described, answers, check, operations, route_of

UNSEEN: Mapping[Described, str] = {
    Described(ANY, "5XX", "TIMEOUT"): "API Gateway gives up after 29 seconds",
}
"""What is described and no test sees, with the reason."""

SEEN: set[Described] = set()


def note(route: str, status: int, headers: Mapping[str, str], body: str) -> None:
    """Notes an answer of a route that is described. Raises Undescribed."""
    if route in operations():
        lower = {name.lower(): value for name, value in headers.items()}
        SEEN.add(check(Answer(route, status, lower, body)))


def compare_functions() -> None:
    """Compares what the functions answer from now on, in this process."""
    answer = ServiceApi.handler

    def answer_and_compare(
        api: ServiceApi, event: dict[str, Any], context: LambdaContext
    ) -> dict[str, Any]:
        response = answer(api, event, context)
        request = event["requestContext"]
        # Each API has a route for its health; API Gateway sends the operators' API none.
        if api._guard is None or request["resourcePath"].startswith("/ops/"):
            route = f"{request['httpMethod']} {request['resourcePath']}"
            note(route, response["statusCode"], response["headers"], response["body"])
        return response

    ServiceApi.handler = answer_and_compare  # type: ignore[method-assign]


@contextmanager
def compared(api_url: str) -> Iterator[None]:
    """Compares what the API at this address answers while the context lasts."""
    send = requests.Session.send

    def send_and_compare(*arguments: Any, **options: Any) -> requests.Response:
        response = send(*arguments, **options)
        if response.url.startswith(f"{api_url}/"):
            path = urlsplit(response.url.removeprefix(api_url)).path
            route = route_of(str(response.request.method), path)
            if route is not None:
                note(route, response.status_code, response.headers, response.text)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", send_and_compare)
        yield


def missing() -> list[str]:
    """Returns what was never seen, though it is described and nothing excuses it."""
    return sorted(map(str, answers() - SEEN - UNSEEN.keys()))
