"""The storefront's files as a browser gets them from the bucket's website."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests


@pytest.fixture
def get(stack: dict[str, Any]) -> Callable[[str], requests.Response]:
    """Gets a page of the site. Browsers resolve *.localhost to loopback; Python has to be told."""
    site = urlsplit(stack["storefront_url"])

    def fetch(path: str) -> requests.Response:
        url = urlunsplit((site.scheme, f"127.0.0.1:{site.port}", path, "", ""))
        return requests.get(url, headers={"Host": site.netloc}, timeout=10)

    return fetch


def test_the_shop_opens_at_its_address(get: Callable[[str], requests.Response]) -> None:
    response = get("/")

    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<title>" in response.text


def test_a_page_that_does_not_exist_leads_back_to_the_shop(
    get: Callable[[str], requests.Response],
) -> None:
    response = get("/no/such/page")

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")
    assert 'href="/"' in response.text


def test_it_is_told_where_the_apis_are(
    get: Callable[[str], requests.Response], stack: dict[str, Any]
) -> None:
    response = get("/config.json")

    assert response.headers["Content-Type"].startswith("application/json")
    assert response.json() == {
        "apiUrl": stack["api_url"],
        "websocketUrl": stack["websocket_url"],
    }


def test_its_scripts_are_served_as_scripts(get: Callable[[str], requests.Response]) -> None:
    assert get("/js/main.js").headers["Content-Type"].startswith("text/javascript")


def test_it_is_told_the_saga_that_is_deployed(
    get: Callable[[str], requests.Response], stack: dict[str, Any], aws: Callable[[str], Any]
) -> None:
    machine = aws("stepfunctions").describe_state_machine(
        stateMachineArn=stack["state_machine_arn"]
    )

    response = get("/saga.json")

    assert response.headers["Content-Type"].startswith("application/json")
    names = [state["name"] for state in response.json()["states"]]
    assert names == list(json.loads(machine["definition"])["States"])
    assert "arn:aws" not in response.text


def test_its_scripts_may_connect_to_the_apis_and_to_nothing_else(
    get: Callable[[str], requests.Response], stack: dict[str, Any]
) -> None:
    api, live = (
        "{0.scheme}://{0.netloc}".format(urlsplit(stack[url]))
        for url in ("api_url", "websocket_url")
    )

    assert f"connect-src 'self' {api} {live};" in get("/").text
