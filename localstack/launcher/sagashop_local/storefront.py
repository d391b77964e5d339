"""Publishes the storefront: the files of `storefront_s3/`, and where they find the API."""

import json
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONFIG_KEY = "config.json"
# Types that a machine's own tables may lack; a browser runs no script without the right one.
CONTENT_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


def publish(s3: "S3Client", folder: Path, bucket: str, api_url: str) -> int:
    """Makes the bucket hold the folder's files and config.json; returns how many it holds.

    Browsers check each time whether a file changed, so that a new version shows at once.
    """
    bodies = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    bodies[CONFIG_KEY] = (json.dumps({"apiUrl": api_url}) + "\n").encode()
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
    return len(bodies)


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
