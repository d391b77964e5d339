"""Publishes the storefront: the files of `storefront_s3/`, and what they know of the stack."""

import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sagashop_ops.aws import client_of
from sagashop_ops.saga_graph import saga_graph
from sagashop_ops.stack import PROJECT_ROOT, Stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOLDER = PROJECT_ROOT / "storefront_s3"
# What the API is described by, and the address that it has there; publishing puts in the stack's.
DESCRIPTIONS = [PROJECT_ROOT / "docs" / name for name in ("openapi.yaml", "asyncapi.yaml")]
DESCRIBED_URL = b"http://127.0.0.1:4566/_aws/execute-api/httpapi/v1"
# What the shop's own policy allows it to connect to; publishing adds the stack's API.
CONNECT_SRC = "connect-src 'self'"
# Types that a machine's own tables may lack; a browser runs no script without the right one.
CONTENT_TYPES = {
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".yaml": "application/yaml",
}


def publish(stack: Stack, folder: Path = FOLDER) -> int:
    """Makes a stack's bucket hold its storefront; returns how many files that is."""
    machine = client_of(stack, "stepfunctions").describe_state_machine(
        stateMachineArn=stack.state_machine_arn
    )
    bucket = str(urlsplit(stack.storefront_url).hostname).partition(".")[0]
    bodies = site(folder, stack, machine["definition"])
    upload(client_of(stack, "s3"), bucket, bodies)
    return len(bodies)


def site(folder: Path, stack: Stack, definition: str) -> dict[str, bytes]:
    """Returns the site's files by key: the folder's, the API's, config.json and saga.json.

    index.html gets the API's origins in its Content-Security-Policy: scripts may connect to nothing
    else. `definition` is the state machine's.
    """
    bodies = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    } | {path.name: path.read_bytes() for path in DESCRIPTIONS}
    for key in bodies.keys() & {"api.html", "openapi.yaml"}:
        bodies[key] = bodies[key].replace(DESCRIBED_URL, stack.api_url.encode())
    sources = " ".join([CONNECT_SRC, *_origins(stack)])
    bodies["index.html"] = bodies["index.html"].replace(CONNECT_SRC.encode(), sources.encode())
    bodies["config.json"] = _json({"apiUrl": stack.api_url, "websocketUrl": stack.websocket_url})
    bodies["saga.json"] = _json(saga_graph(definition))
    return bodies


def upload(s3: "S3Client", bucket: str, bodies: Mapping[str, bytes]) -> None:
    """Makes the bucket hold these files and no others.

    Browsers check each time whether a file changed, so that a new version shows at once.
    """
    for key, body in bodies.items():
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            ContentType=content_type(key),
            CacheControl="no-cache",
        )
    for stored in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        if stored["Key"] not in bodies:
            s3.delete_object(Bucket=bucket, Key=stored["Key"])


def content_type(key: str) -> str:
    """Returns the Content-Type of a file by its name.

    >>> content_type("js/main.js")
    'text/javascript; charset=utf-8'
    >>> content_type("photo.png")
    'image/png'
    """
    suffix = Path(key).suffix
    kind = CONTENT_TYPES.get(suffix) or mimetypes.guess_type(key)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
    return f"{kind}; charset=utf-8" if is_text else kind


def _origins(stack: Stack) -> list[str]:
    """Returns the origins of the stack's APIs: scheme, host and port."""
    urls = map(urlsplit, (stack.api_url, stack.websocket_url))
    return [f"{url.scheme}://{url.netloc}" for url in urls]


def _json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, separators=(",", ":")) + "\n").encode()
