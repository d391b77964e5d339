"""The storefront as it is brought to its bucket; moto stands in for S3 and Step Functions."""

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from sagashop_ops.stack import Stack
from sagashop_ops.storefront import FOLDER, content_type, publish, site, upload
from support.operators import a_stack
from support.saga_definition import DEFINITION_FILE

DEFINITION = DEFINITION_FILE.read_text(encoding="utf-8")
STACK = a_stack(
    api_url="https://abc.execute-api.eu-west-1.amazonaws.com/v1",
    websocket_url="wss://def.execute-api.eu-west-1.amazonaws.com/v1",
)


@pytest.fixture
def website(aws: None) -> Any:
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="storefront")
    return s3


def a_folder(path: Path) -> Path:
    (path / "js").mkdir()
    (path / "index.html").write_text("<!doctype html>")
    (path / "js" / "main.js").write_text("start()")
    return path


def policy_of(stack: Stack) -> str:
    """Returns the Content-Security-Policy of the published shop, in one line."""
    page = site(FOLDER, stack, DEFINITION)["index.html"].decode()
    (policy,) = re.findall(r'Content-Security-Policy"\s+content="([^"]*)"', page)
    return " ".join(policy.split())


def test_the_storefront_is_published_with_the_addresses_and_the_saga(
    website: Any, tmp_path: Path
) -> None:
    # Given
    machine = boto3.client("stepfunctions", region_name="us-east-1").create_state_machine(
        name="saga", definition=DEFINITION, roleArn="arn:aws:iam::123456789012:role/saga"
    )
    stack = a_stack(
        endpoint_url=None,
        api_url="https://api.example",
        websocket_url="wss://live.example",
        storefront_url="http://storefront.s3-website-us-east-1.amazonaws.com",
        state_machine_arn=machine["stateMachineArn"],
    )

    # When
    count = publish(stack, a_folder(tmp_path))

    # Then
    def stored(key: str) -> Any:
        return website.get_object(Bucket="storefront", Key=key)

    assert count == 6
    assert stored("js/main.js")["Body"].read() == b"start()"
    assert stored("js/main.js")["ContentType"] == "text/javascript; charset=utf-8"
    assert json.load(stored("config.json")["Body"]) == {
        "apiUrl": "https://api.example",
        "websocketUrl": "wss://live.example",
    }
    assert json.load(stored("saga.json")["Body"])["start"] == "ResumeOrBegin"


def test_the_api_is_described_at_the_stacks_address() -> None:
    published = site(FOLDER, STACK, DEFINITION)

    for key in ("api.html", "openapi.yaml"):
        assert STACK.api_url in published[key].decode()
        assert "127.0.0.1" not in published[key].decode()
    assert published["asyncapi.yaml"].startswith(b"#")


def test_scripts_may_connect_to_the_stacks_apis_and_to_nothing_else() -> None:
    assert (
        "connect-src 'self' https://abc.execute-api.eu-west-1.amazonaws.com "
        "wss://def.execute-api.eu-west-1.amazonaws.com;"
    ) in policy_of(STACK)


def test_a_local_stacks_apis_are_allowed_too() -> None:
    stack = a_stack(
        api_url="http://127.0.0.1:4566/_aws/execute-api/abc/v1",
        websocket_url="ws://localhost:4566/_aws/ws/def/live",
    )

    assert "connect-src 'self' http://127.0.0.1:4566 ws://localhost:4566;" in policy_of(stack)


def test_the_policy_allows_no_inline_code_and_no_other_origin() -> None:
    sources = policy_of(STACK).replace("https://abc.", "").replace("wss://def.", "")

    assert "unsafe" not in sources
    assert "*" not in sources
    assert "default-src 'none'" in sources
    assert "https:" not in sources


def test_a_file_that_was_removed_is_no_longer_published(website: Any) -> None:
    upload(website, "storefront", {"index.html": b"", "old.html": b""})

    upload(website, "storefront", {"index.html": b""})

    listing = website.list_objects_v2(Bucket="storefront")
    assert [stored["Key"] for stored in listing["Contents"]] == ["index.html"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("styles.css", "text/css; charset=utf-8"),
        ("js/views/order.js", "text/javascript; charset=utf-8"),
        ("favicon.svg", "image/svg+xml; charset=utf-8"),
        ("config.json", "application/json; charset=utf-8"),
        ("photo.png", "image/png"),
        ("openapi.yaml", "application/yaml"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_browsers_are_told_what_a_file_is(name: str, expected: str) -> None:
    assert content_type(name) == expected
